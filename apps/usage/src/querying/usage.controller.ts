import { Controller, Get, Param, UseGuards } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import { ApiBearerAuth, ApiOperation, ApiParam, ApiResponse, ApiTags } from '@nestjs/swagger';
import { Rejection } from '#libs/contracts';
import type {
  GetKeyUsageRequest,
  GetKeyUsageResponse,
  KeyUsage,
  ListKeyUsageRequest,
  ListKeyUsageResponse,
} from '#libs/contracts/gen/latchkey/v1/usage_service';
import { validated } from '#libs/service-kit/validation.request';
import { OperatorGuard } from '#libs/service-kit/operator.guard';
import { ApiProblem } from '#libs/service-kit/problem.response';
import { RequireRole } from '#libs/service-kit/service-token.guard';
import type { KeyUsageFigures } from './key-usage.js';
import { GetKeyUsageFields, ListKeyUsageFields } from './key-usage.request.js';
import { KeyUsageResponse } from './key-usage.response.js';
import { UsageQueries } from './usage-queries.js';

/** Usage over gRPC, for internal services. */
@Controller()
export class UsageController {
  constructor(private readonly queries: UsageQueries) {}

  @GrpcMethod('UsageService', 'getKeyUsage')
  @RequireRole('usage')
  async getKeyUsage(request: GetKeyUsageRequest): Promise<GetKeyUsageResponse> {
    const { tenantId, keyId } = validated(GetKeyUsageFields, request);
    return { usage: messageOf(await this.queries.usageOf(tenantId, keyId)) };
  }

  @GrpcMethod('UsageService', 'listKeyUsage')
  @RequireRole('usage')
  async listKeyUsage(request: ListKeyUsageRequest): Promise<ListKeyUsageResponse> {
    const { tenantId, keyIds } = validated(ListKeyUsageFields, request);
    const usages = await this.queries.usageOfAll(tenantId, keyIds);
    return { usages: usages.map(messageOf) };
  }
}

/** Usage over HTTP, for operators. */
@ApiTags('usage')
@ApiBearerAuth()
@UseGuards(OperatorGuard)
@Controller('v1/tenants/:tenantId/keys/:keyId/usage')
export class KeyUsageController {
  constructor(private readonly queries: UsageQueries) {}

  @Get()
  @ApiOperation({ summary: 'How much a key was used in the 30 days that end now' })
  @ApiParam({ name: 'tenantId', example: 'acme' })
  @ApiParam({ name: 'keyId', example: 'key_4f1c0a7be9d24c5f8a6b3e2d1c0f9a' })
  @ApiResponse({ status: 200, type: KeyUsageResponse })
  @ApiProblem(401, 'The operator token is missing or wrong.')
  @ApiProblem(500, 'A fault of ours; `errorId` finds it in the log.')
  @ApiProblem(503, 'A service or server behind this one is away; try again shortly.')
  @ApiProblem(404, 'The tenant has no such key.')
  async read(@Param('tenantId') tenantId: string, @Param('keyId') keyId: string): Promise<KeyUsageFigures> {
    return this.queries.usageOf(...idsOrNotFound(tenantId, keyId));
  }
}

/** What has not the form of an id is the id of nothing. */
function idsOrNotFound(tenantId: string, keyId: string): [tenantId: string, keyId: string] {
  try {
    validated(GetKeyUsageFields, { tenantId, keyId });
  } catch {
    throw new Rejection('KEY_NOT_FOUND');
  }
  return [tenantId, keyId];
}

function messageOf(figures: KeyUsageFigures): KeyUsage {
  const { byOutcome, createdAt, lastUsedAt, lastAuthenticatedAt, requests30d, refused30d, ...rest } = figures;
  return {
    ...rest,
    createdAt: createdAt ?? undefined,
    lastUsedAt: lastUsedAt ?? undefined,
    lastAuthenticatedAt: lastAuthenticatedAt ?? undefined,
    requests30d: String(requests30d),
    refused30d: String(refused30d),
    byOutcome: Object.fromEntries(
      Object.entries(byOutcome).map(([outcome, count]) => [outcome, String(count)]),
    ),
  };
}
