import type { SealedRecord } from '#libs/contracts';
import type { RecordId, RecordSeal, SecretRecord, TenantRecord } from '#libs/key-view';
import { BoundedMap } from './bounded-map.js';

interface Opened<Record> {
  sealed: SealedRecord;
  /** Undefined where the seal was not right. */
  record: Record | undefined;
}

/** Told of a record that key-management did not seal. */
export type UnsoundRecordAlarm = (at: RecordId) => void;

/**
 * Opens sealed records and remembers what it opened by its whole content, so that the same content is neither hashed
 * nor parsed twice, and an unsound one alarms once as long as it is remembered.
 */
export class SoundRecords {
  private readonly secrets: BoundedMap<string, Opened<SecretRecord>>;
  private readonly tenants: BoundedMap<string, Opened<TenantRecord>>;

  constructor(
    private readonly seal: RecordSeal,
    private readonly onUnsound: UnsoundRecordAlarm,
    recordsMax: number,
  ) {
    this.secrets = new BoundedMap(recordsMax);
    this.tenants = new BoundedMap(recordsMax);
  }

  /** The record, or undefined where it is not sound. */
  secret(digest: string, sealed: SealedRecord): SecretRecord | undefined {
    const opened = this.secrets.get(digest);
    if (opened !== undefined && isSame(opened.sealed, sealed)) return opened.record;
    const at = { kind: 'secret', id: digest } as const;
    const record = this.seal.open(at, sealed);
    if (record === undefined) this.onUnsound(at);
    this.secrets.set(digest, { sealed, record });
    return record;
  }

  /** The record, or undefined where it is not sound. */
  tenant(tenantId: string, sealed: SealedRecord): TenantRecord | undefined {
    const opened = this.tenants.get(tenantId);
    if (opened !== undefined && isSame(opened.sealed, sealed)) return opened.record;
    const at = { kind: 'tenant', id: tenantId } as const;
    const record = this.seal.open(at, sealed);
    if (record === undefined) this.onUnsound(at);
    this.tenants.set(tenantId, { sealed, record });
    return record;
  }

  /** The tenant of a digest that was opened before, which never changes; undefined where it is not remembered. */
  tenantIdOf(digest: string): string | undefined {
    return this.secrets.get(digest)?.record?.tenantId;
  }
}

function isSame(a: SealedRecord, b: SealedRecord): boolean {
  return a.seal === b.seal && a.json === b.json && a.sealKeyId === b.sealKeyId;
}
