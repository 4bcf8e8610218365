import type { SealedRecord } from '#libs/contracts';
import type { RecordId, RecordSeal, SecretRecord, TenantRecord } from '#libs/key-view';
import { BoundedMap } from './bounded-map.js';

/** Told of a record that key-management did not seal. */
export type UnsoundRecordAlarm = (at: RecordId) => void;

/** Unsound records that are remembered, of secrets and of tenants each. */
const UNSOUND_MAX = 1000;

/**
 * Opens sealed records. An unsound one alarms once as long as it is remembered by its content: it may be read again with
 * every request until the view is healed.
 */
export class SoundRecords {
  private readonly unsound = {
    secret: new BoundedMap<string, SealedRecord>(UNSOUND_MAX),
    tenant: new BoundedMap<string, SealedRecord>(UNSOUND_MAX),
  };

  constructor(
    private readonly seal: RecordSeal,
    private readonly onUnsound: UnsoundRecordAlarm,
  ) {}

  /** The record, or undefined where it is not sound. */
  secret(digest: string, sealed: SealedRecord): SecretRecord | undefined {
    const at = { kind: 'secret', id: digest } as const;
    const record = this.seal.open(at, sealed);
    if (record === undefined) this.alarm(at, sealed);
    return record;
  }

  /** The record, or undefined where it is not sound. */
  tenant(tenantId: string, sealed: SealedRecord): TenantRecord | undefined {
    const at = { kind: 'tenant', id: tenantId } as const;
    const record = this.seal.open(at, sealed);
    if (record === undefined) this.alarm(at, sealed);
    return record;
  }

  private alarm(at: RecordId, sealed: SealedRecord): void {
    const known = this.unsound[at.kind].get(at.id);
    if (known !== undefined && isSame(known, sealed)) return;
    this.unsound[at.kind].set(at.id, sealed);
    this.onUnsound(at);
  }
}

function isSame(a: SealedRecord, b: SealedRecord): boolean {
  return a.seal === b.seal && a.json === b.json && a.sealKeyId === b.sealKeyId;
}
