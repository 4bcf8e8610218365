import { credentials } from '@grpc/grpc-js';
import { UsageServiceClient } from '#libs/contracts/gen/latchkey/v1/usage_service';
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
    const method = this.client.listKeyUsage.bind(this.client);
    const { usages } = await this.caller.call(method, { tenantId, keyIds: [keyId] });
    const usage = usages[0];
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

  close(): void {
    this.client.close();
  }
}
