import type { SealedRecord } from '#libs/contracts';
import type { RecordId, RecordSeal, SecretRecord, TenantRecord } from '#libs/key-view';
import { BoundedMap } from './bounded-map.js';

/** Told of a record that key-management did not seal. */
export type UnsoundRecordAlarm = (at: RecordId) => void;

/** Unsound records that are remembered, of secrets and of tenants each. */
const UNSOUND_MAX = 1000;

/** Sound ones, of secrets and of tenants each: some 50 MB. */
const SOUND_MAX = 50_000;

interface Opened<Record> {
  sealed: SealedRecord;
  record: Record;
}

/**
 * Opens sealed records and remembers what it opened by its whole content, so that the same content is neither hashed nor
 * parsed twice, and is the same object again for who remembers something with it. An unsound one alarms once as long as it is remembered by its content: it may be read again with
 * every request until the view is healed.
 */
export class SoundRecords {
  private readonly unsound = {
    secret: new BoundedMap<string, SealedRecord>(UNSOUND_MAX),
    tenant: new BoundedMap<string, SealedRecord>(UNSOUND_MAX),
  };

  private readonly secrets = new BoundedMap<string, Opened<SecretRecord>>(SOUND_MAX);
  private readonly tenants = new BoundedMap<string, Opened<TenantRecord>>(SOUND_MAX);

  constructor(
    private readonly seal: RecordSeal,
    private readonly onUnsound: UnsoundRecordAlarm,
  ) {}

  /** The record, or undefined where it is not sound. */
  secret(digest: string, sealed: SealedRecord): SecretRecord | undefined {
    const opened = this.secrets.get(digest);
    if (opened !== undefined && isSame(opened.sealed, sealed)) return opened.record;
    const at = { kind: 'secret', id: digest } as const;
    const record = this.seal.open(at, sealed);
    if (record === undefined) this.alarm(at, sealed);
    else this.secrets.set(digest, { sealed, record });
    return record;
  }

  /** The record, or undefined where it is not sound. */
  tenant(tenantId: string, sealed: SealedRecord): TenantRecord | undefined {
    const opened = this.tenants.get(tenantId);
    if (opened !== undefined && isSame(opened.sealed, sealed)) return opened.record;
    const at = { kind: 'tenant', id: tenantId } as const;
    const record = this.seal.open(at, sealed);
    if (record === undefined) this.alarm(at, sealed);
    else this.tenants.set(tenantId, { sealed, record });
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
