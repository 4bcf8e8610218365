import { Controller, Get } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiProblems } from '../problems/api-problems.response.js';
import { CurrentKey, UsesKeyFor } from '../verification/verified-request.hook.js';
import type { VerifiedKey } from '../verification/verifier.js';
import { WhoamiResponse } from './whoami.response.js';

@ApiTags('whoami')
@ApiBearerAuth()
@Controller('v1/whoami')
export class WhoamiController {
  @Get()
  @UsesKeyFor('identity')
  @ApiOperation({ summary: 'Tells what the key of this request is' })
  @ApiOkResponse({ type: WhoamiResponse })
  @ApiProblems(401, 403, 429, 500, 503)
  whoami(@CurrentKey() key: VerifiedKey): WhoamiResponse {
    const { keyId, tenantId, environment, scopes, expiresAt, secretGeneration } = key;
    return {
      keyId,
      tenantId,
      environment,
      scopes: [...scopes],
      expiresAt: expiresAt?.toISOString() ?? null,
      secretGeneration,
    };
  }
}
