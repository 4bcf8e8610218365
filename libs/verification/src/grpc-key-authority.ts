import { credentials } from '@grpc/grpc-js';
import type { SealedRecord } from '#libs/contracts';
import { KeyManagementServiceClient } from '#libs/contracts/gen/latchkey/v1/key_management_service';
import { channelOptions } from '#libs/service-kit';
import { GrpcCaller } from '#libs/service-kit/grpc-caller';
import { KeyAuthority, type RecordPage } from './key-authority.js';

/** A caller of Verify waits for this. */
const FIND_DEADLINE_MS = 1000;
const LIST_DEADLINE_MS = 20_000;
const PAGE_RECORDS = 1000;
/** A page of records with as many scopes as a key may have. */
const PAGE_BYTES_MAX = 32 * 1024 * 1024;

/** Asks key-management over gRPC, with this service's token. */
export class GrpcKeyAuthority extends KeyAuthority {
  private readonly client: KeyManagementServiceClient;
  private readonly finding: GrpcCaller;
  private readonly listing: GrpcCaller;

  constructor(address: string, serviceToken: string) {
    super();
    this.client = new KeyManagementServiceClient(address, credentials.createInsecure(), {
      'grpc.max_receive_message_length': PAGE_BYTES_MAX,
      ...channelOptions,
    });
    this.finding = new GrpcCaller(serviceToken, FIND_DEADLINE_MS);
    this.listing = new GrpcCaller(serviceToken, LIST_DEADLINE_MS);
  }

  async findSecret(digest: string): Promise<{ secret: SealedRecord; tenant: SealedRecord } | undefined> {
    const { secret, tenant } = await this.finding.call(this.client.findSecretRecord.bind(this.client), {
      digest,
    });
    if (secret === undefined) return undefined;
    if (tenant === undefined) throw new Error('key-management answered with a secret that has no tenant');
    return { secret, tenant };
  }

  async findTenant(tenantId: string): Promise<SealedRecord | undefined> {
    const question = { tenantId };
    return (await this.finding.call(this.client.findTenantRecord.bind(this.client), question)).tenant;
  }

  listSecrets(cursor: string): Promise<RecordPage> {
    return this.listing.call(this.client.listSecretRecords.bind(this.client), {
      cursor,
      limit: PAGE_RECORDS,
    });
  }

  listTenants(cursor: string): Promise<RecordPage> {
    return this.listing.call(this.client.listTenantRecords.bind(this.client), {
      cursor,
      limit: PAGE_RECORDS,
    });
  }

  async check(): Promise<void> {
    await this.finding.call(this.client.listTenantRecords.bind(this.client), { cursor: '', limit: 1 });
  }

  close(): void {
    this.client.close();
  }
}
