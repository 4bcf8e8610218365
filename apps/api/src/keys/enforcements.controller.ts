import { Controller, Get, Param } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiProblems } from '../problems/api-problems.response.js';
import { CurrentKey, UsesKeyFor } from '../verification/verified-request.hook.js';
import type { VerifiedKey } from '../verification/verifier.js';
import { KeyManagement } from './key-management.js';
import { enforcementResourceOf } from './key-resource.js';
import { EnforcementResponse } from './key.response.js';

@ApiTags('keys')
@ApiBearerAuth()
@Controller('v1/enforcements')
export class EnforcementsController {
  constructor(private readonly keyManagement: KeyManagement) {}

  @Get(':revision')
  @UsesKeyFor('managed keys')
  @ApiOperation({ summary: 'Tells whether a change of one of the tenant’s keys is enforced by now' })
  @ApiOkResponse({ type: EnforcementResponse })
  @ApiProblems(401, 403, 404, 429, 500, 503)
  async read(
    @CurrentKey() manager: VerifiedKey,
    @Param('revision') revision: string,
  ): Promise<EnforcementResponse> {
    return enforcementResourceOf(await this.keyManagement.enforcement(manager, revision));
  }
}
