import { credentials } from '@grpc/grpc-js';
import {
  type KeyUsage as KeyUsageMessage,
  UsageServiceClient,
} from '#libs/contracts/gen/latchkey/v1/usage_service';
import type { GrpcCaller } from '#libs/service-kit/grpc-caller';
import { channelOptions } from '#libs/service-kit';
import { type Insights, KeyUsage } from './key-usage.js';

/** Asks the usage service over gRPC. */
export class GrpcKeyUsage extends KeyUsage {
  private readonly client: UsageServiceClient;

  constructor(
    address: string,
    private readonly caller: GrpcCaller,
  ) {
    super();
    this.client = new UsageServiceClient(address, credentials.createInsecure(), channelOptions);
  }

  override async insightsOf(
    tenantId: string,
    keyIds: readonly string[],
  ): Promise<ReadonlyMap<string, Insights>> {
    if (keyIds.length === 0) return new Map();
    const method = this.client.listKeyUsage.bind(this.client);
    const { usages } = await this.caller.call(method, { tenantId, keyIds: [...keyIds] });
    return new Map(usages.map((usage) => [usage.keyId, insightsOf(usage)]));
  }

  close(): void {
    this.client.close();
  }
}

function insightsOf(usage: KeyUsageMessage): Insights {
  const { lastUsedAt, lastAuthenticatedAt, requests30d, refused30d, byOutcome, windowStart } = usage;
  if (windowStart === undefined) {
    throw new Error('the usage service answered without the start of its window');
  }
  return {
    lastUsedAt: lastUsedAt ?? null,
    lastAuthenticatedAt: lastAuthenticatedAt ?? null,
    requests30d: Number(requests30d),
    refused30d: Number(refused30d),
    byOutcome: Object.fromEntries(
      Object.entries(byOutcome).map(([outcome, count]) => [outcome, Number(count)]),
    ),
    windowStart,
  };
}
