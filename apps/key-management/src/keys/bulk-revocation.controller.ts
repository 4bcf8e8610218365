import { Body, Controller, HttpCode, Param, Post, Req, Res, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Rejection } from '#libs/contracts';
import { OperatorGuard } from '#libs/service-kit/operator.guard';
import { ApiProblem } from '#libs/service-kit/problem.response';
import { operatorContextOf } from '../commands/operator-context.js';
import { answerChange } from '../fencing/change-answer.js';
import { EnforcementAnswers } from '../fencing/enforcement-answers.js';
import { ApiChange } from '../fencing/enforcement.response.js';
import { BulkRevocation, type RevokeKeys } from './bulk-revocation.js';
import { instantOf } from './key-fields.request.js';
import { RevokedKeysResponse } from './key.response.js';
import { RevokeKeysRequest } from './revoke-keys.request.js';

@ApiTags('keys')
@ApiBearerAuth()
@ApiProblem(401, 'The operator token is missing or wrong.')
@ApiProblem(500, 'A fault of ours; `errorId` finds it in the log.')
@ApiProblem(503, 'A service or server behind this one is away; try again shortly.')
@ApiProblem(404, 'There is no such tenant.')
@UseGuards(OperatorGuard)
@Controller('v1/tenants/:tenantId/keys/revoke')
export class BulkRevocationController {
  constructor(
    private readonly bulk: BulkRevocation,
    private readonly answers: EnforcementAnswers,
  ) {}

  @Post()
  @HttpCode(200)
  @ApiOperation({ summary: 'Revoke all keys that fit what is given, or tell which ones that would be' })
  @ApiChange(RevokedKeysResponse)
  @ApiProblem(400, 'The body is wrong, or says nothing of which keys are meant.')
  async revoke(
    @Param('tenantId') tenantId: string,
    @Body() body: RevokeKeysRequest,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const { report, committed } = await this.bulk.revoke(tenantId, wishOf(body), operatorContextOf(request));
    if (committed === null) return report;
    return { ...(await answerChange(this.answers, committed, request, reply)), ...report };
  }
}

/** Every key of a tenant must be asked for in so many words. */
function wishOf(body: RevokeKeysRequest): RevokeKeys {
  const { keyIds, environment, createdBy, descendantsOf, lastUsedBefore, all, reason, dryRun } = body;
  const given = [keyIds, environment, createdBy, descendantsOf, lastUsedBefore];
  if (all !== true && given.every((criterion) => criterion === undefined)) {
    throw new Rejection('INVALID_REQUEST', [
      {
        field: 'all',
        message: 'must be true to revoke every key of the tenant, where nothing else is given',
      },
    ]);
  }
  return {
    selection: {
      keyIds: keyIds ?? null,
      environment: environment ?? null,
      createdBy: createdBy ?? null,
      descendantsOf: descendantsOf ?? null,
    },
    lastUsedBeforeMs: instantOf(lastUsedBefore),
    reason: reason || null,
    dryRun: dryRun ?? false,
  };
}
