import { Body, Controller, Get, HttpCode, Param, Post, Put, Req, Res, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Rejection } from '#libs/contracts';
import { OperatorGuard } from '#libs/service-kit/operator.guard';
import { ApiProblem } from '#libs/service-kit/problem.response';
import { operatorContextOf } from '../commands/operator-context.js';
import { answerChange } from '../fencing/change-answer.js';
import { EnforcementAnswers } from '../fencing/enforcement-answers.js';
import { ApiChange } from '../fencing/enforcement.response.js';
import type { Committed } from '../fencing/fenced-changes.js';
import { Revisions } from '../fencing/revisions.js';
import { KeyReads } from '../keys/key-reads.js';
import { ReasonRequest, RegisterTenantRequest } from './register-tenant.request.js';
import { ChangedTenantResponse, TenantResponse } from './tenant.response.js';
import { TenantCommands } from './tenant-commands.js';
import { isTenantId, TENANT_ID } from './tenant-id.js';
import {
  type RevisedTenant,
  streamOfTenant,
  type TenantResource,
  tenantResourceOf,
} from './tenant-resource.js';

@ApiTags('tenants')
@ApiBearerAuth()
@ApiProblem(401, 'The operator token is missing or wrong.')
@ApiProblem(500, 'A fault of ours; `errorId` finds it in the log.')
@ApiProblem(503, 'A service or server behind this one is away; try again shortly.')
@UseGuards(OperatorGuard)
@Controller('v1/tenants/:tenantId')
export class TenantsController {
  constructor(
    private readonly commands: TenantCommands,
    private readonly reads: KeyReads,
    private readonly answers: EnforcementAnswers,
    private readonly revisions: Revisions,
  ) {}

  @Put()
  @ApiOperation({ summary: 'Register a tenant, or change its name, limit or plan; what is absent stays' })
  @ApiResponse({ status: 201, type: TenantResponse, description: 'Registered.' })
  @ApiResponse({ status: 200, type: TenantResponse, description: 'It was there; what was given is changed.' })
  @ApiProblem(400, 'The id or the body is wrong; `errors` names each field.')
  @ApiProblem(409, 'PROFILE_FIXED: the tenant belongs to another profile.')
  async register(
    @Param('tenantId') tenantId: string,
    @Body() { name, maxActiveKeys, profile, plan }: RegisterTenantRequest,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    if (!isTenantId(tenantId)) {
      throw new Rejection('INVALID_REQUEST', [
        { field: 'tenantId', message: `must match ${TENANT_ID.source}` },
      ]);
    }
    const wish = { name, maxActiveKeys, profile, plan };
    const committed = await this.commands.register(tenantId, wish, operatorContextOf(request));
    reply.status(committed.created ? 201 : 200);
    return revised(committed);
  }

  @Get()
  @ApiOperation({ summary: 'Read a tenant' })
  @ApiResponse({ status: 200, type: TenantResponse })
  @ApiProblem(404, 'There is no such tenant.')
  async read(@Param('tenantId') tenantId: string) {
    const tenant = await this.reads.tenant(tenantId);
    if (tenant === undefined) throw new Rejection('TENANT_NOT_FOUND');
    const revision = this.revisions.of(streamOfTenant(tenantId), tenant.version);
    return { ...tenantResourceOf(tenant.state), revision };
  }

  @Post('suspend')
  @HttpCode(200)
  @ApiOperation({ summary: 'Suspend a tenant: all its keys are refused until it is resumed' })
  @ApiChange(ChangedTenantResponse)
  @ApiProblem(404, 'There is no such tenant.')
  async suspend(
    @Param('tenantId') tenantId: string,
    @Body() body: ReasonRequest,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const context = operatorContextOf(request);
    const committed = await this.commands.suspend(tenantId, body.reason || null, context);
    return { ...(await answerChange(this.answers, committed, request, reply)), tenant: revised(committed) };
  }

  @Post('resume')
  @HttpCode(200)
  @ApiOperation({ summary: 'Resume a tenant: its keys are what they were, revoked ones stay revoked' })
  @ApiChange(ChangedTenantResponse)
  @ApiProblem(404, 'There is no such tenant.')
  async resume(
    @Param('tenantId') tenantId: string,
    @Body() body: ReasonRequest,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const context = operatorContextOf(request);
    const committed = await this.commands.resume(tenantId, body.reason || null, context);
    return { ...(await answerChange(this.answers, committed, request, reply)), tenant: revised(committed) };
  }
}

function revised({ resource, revision }: Committed<TenantResource>): RevisedTenant {
  return { ...resource, revision };
}
