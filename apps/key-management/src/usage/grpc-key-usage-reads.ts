import { credentials } from '@grpc/grpc-js';
import { type KeyUsage, UsageServiceClient } from '#libs/contracts/gen/latchkey/v1/usage_service';
import { channelOptions } from '#libs/service-kit';
import type { GrpcCaller } from '#libs/service-kit/grpc-caller';
import { type KeyUsageFigures, KeyUsageReads } from './key-usage-reads.js';

export class GrpcKeyUsageReads extends KeyUsageReads {
  private readonly client: UsageServiceClient;

  constructor(
    address: string,
    private readonly caller: GrpcCaller,
  ) {
    super();
    this.client = new UsageServiceClient(address, credentials.createInsecure(), channelOptions);
  }

  async figures(tenantId: string, keyId: string): Promise<KeyUsageFigures> {
    const [usage] = await this.usages(tenantId, [keyId]);
    if (usage === undefined) throw new Error('the usage service left out a key it was asked for');
    return {
      lastUsedAt: usage.lastUsedAt?.toISOString() ?? null,
      lastAuthenticatedAt: usage.lastAuthenticatedAt?.toISOString() ?? null,
      requests30d: Number(usage.requests30d),
      refused30d: Number(usage.refused30d),
      byOutcome: Object.fromEntries(
        Object.entries(usage.byOutcome).map(([name, count]) => [name, Number(count)]),
      ),
      windowStart: (usage.windowStart ?? new Date(0)).toISOString(),
    };
  }

  async lastUses(tenantId: string, keyIds: readonly string[]): Promise<Map<string, number>> {
    const usages = await this.usages(tenantId, keyIds);
    return new Map(
      usages.flatMap(({ keyId, lastUsedAt }) =>
        lastUsedAt === undefined ? [] : [[keyId, lastUsedAt.getTime()] as const],
      ),
    );
  }

  close(): void {
    this.client.close();
  }

  private async usages(tenantId: string, keyIds: readonly string[]): Promise<KeyUsage[]> {
    const method = this.client.listKeyUsage.bind(this.client);
    return (await this.caller.call(method, { tenantId, keyIds: [...keyIds] })).usages;
  }
}
