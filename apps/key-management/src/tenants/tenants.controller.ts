import { Body, Controller, Get, HttpCode, Param, Post, Put, Req, Res, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Rejection } from '#libs/contracts';
import { OperatorGuard } from '#libs/service-kit/operator.guard';
import { ApiProblem } from '#libs/service-kit/problem.response';
import { operatorContextOf } from '../commands/operator-context.js';
import { KeyReads } from '../keys/key-reads.js';
import { ReasonRequest, RegisterTenantRequest } from './register-tenant.request.js';
import { TenantResponse } from './tenant.response.js';
import { TenantCommands } from './tenant-commands.js';
import { isTenantId, TENANT_ID } from './tenant-id.js';
import { tenantResourceOf } from './tenant-resource.js';

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
  ) {}

  @Put()
  @ApiOperation({ summary: 'Register a tenant, or change its name and limit; what is absent stays' })
  @ApiResponse({ status: 201, type: TenantResponse, description: 'Registered.' })
  @ApiResponse({ status: 200, type: TenantResponse, description: 'It was there; what was given is changed.' })
  @ApiProblem(400, 'The id or the body is wrong; `errors` names each field.')
  async register(
    @Param('tenantId') tenantId: string,
    @Body() { name, maxActiveKeys }: RegisterTenantRequest,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    if (!isTenantId(tenantId)) {
      throw new Rejection('INVALID_REQUEST', [
        { field: 'tenantId', message: `must match ${TENANT_ID.source}` },
      ]);
    }
    const wish = { name, maxActiveKeys };
    const { tenant, created } = await this.commands.register(tenantId, wish, operatorContextOf(request));
    reply.status(created ? 201 : 200);
    return tenant;
  }

  @Get()
  @ApiOperation({ summary: 'Read a tenant' })
  @ApiResponse({ status: 200, type: TenantResponse })
  @ApiProblem(404, 'There is no such tenant.')
  async read(@Param('tenantId') tenantId: string) {
    const tenant = await this.reads.tenant(tenantId);
    if (tenant === undefined) throw new Rejection('TENANT_NOT_FOUND');
    return tenantResourceOf(tenant.state, tenant.version);
  }

  @Post('suspend')
  @HttpCode(200)
  @ApiOperation({ summary: 'Suspend a tenant: all its keys are refused until it is resumed' })
  @ApiResponse({ status: 200, type: TenantResponse })
  @ApiProblem(404, 'There is no such tenant.')
  suspend(@Param('tenantId') tenantId: string, @Body() body: ReasonRequest, @Req() request: FastifyRequest) {
    return this.commands.suspend(tenantId, body.reason || null, operatorContextOf(request));
  }

  @Post('resume')
  @HttpCode(200)
  @ApiOperation({ summary: 'Resume a tenant: its keys are what they were, revoked ones stay revoked' })
  @ApiResponse({ status: 200, type: TenantResponse })
  @ApiProblem(404, 'There is no such tenant.')
  resume(@Param('tenantId') tenantId: string, @Body() body: ReasonRequest, @Req() request: FastifyRequest) {
    return this.commands.resume(tenantId, body.reason || null, operatorContextOf(request));
  }
}
