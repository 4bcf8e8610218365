import type { SealedRecord } from '#libs/contracts';
import type { RecordSeal } from '#libs/key-view';
import type { KeyReads } from '../keys/key-reads.js';
import { secretRecordsOf, tenantRecordOf } from './record-of.js';

export interface RecordPage {
  records: SealedRecord[];
  /** Empty on the last page. */
  nextCursor: string;
}

/** The store's latest state as sealed records: for a verifier that misses one, and to rebuild a whole view. */
export class SealedRecords {
  constructor(
    private readonly reads: KeyReads,
    private readonly seal: RecordSeal,
  ) {}

  async byDigest(digest: string): Promise<{ secret: SealedRecord; tenant: SealedRecord } | undefined> {
    const found = await this.reads.keyByDigest(digest);
    if (found === undefined) return undefined;
    const { key, tenant } = found;
    const record = secretRecordsOf(key.state, key.version).find((candidate) => candidate.digest === digest);
    if (record === undefined) throw new Error(`the key of a digest does not have it: ${key.state.keyId}`);
    return {
      secret: this.seal.seal('secret', record),
      tenant: this.seal.seal('tenant', tenantRecordOf(tenant.state, tenant.version)),
    };
  }

  async tenant(tenantId: string): Promise<SealedRecord | undefined> {
    const tenant = await this.reads.tenant(tenantId);
    return tenant && this.seal.seal('tenant', tenantRecordOf(tenant.state, tenant.version));
  }

  /** Secrets of the keys after the cursor, a key id; `limit` counts keys. */
  async secretsAfter(cursor: string, limit: number): Promise<RecordPage> {
    const keys = await this.reads.keysAfter(cursor, limit);
    const records = keys.flatMap(({ state, version }) => secretRecordsOf(state, version));
    return {
      records: records.map((record) => this.seal.seal('secret', record)),
      nextCursor: keys.length < limit ? '' : (keys[keys.length - 1]?.state.keyId ?? ''),
    };
  }

  async tenantsAfter(cursor: string, limit: number): Promise<RecordPage> {
    const tenants = await this.reads.tenantsAfter(cursor, limit);
    return {
      records: tenants.map(({ state, version }) => this.seal.seal('tenant', tenantRecordOf(state, version))),
      nextCursor: tenants.length < limit ? '' : (tenants[tenants.length - 1]?.state.tenantId ?? ''),
    };
  }
}
