import { createHmac, timingSafeEqual } from 'node:crypto';
import type { SealedRecord } from '#libs/contracts';
import type { SecretRecord, TenantRecord } from './key-records.js';
import type { RecordId } from './key-view.js';

/** What records say that were sealed before there were profiles and limits: a view keeps them until they change. */
const SEALED_BEFORE = {
  secret: { requestsPerMinute: null },
  tenant: { profile: 'default', plan: null },
} satisfies { secret: Partial<SecretRecord>; tenant: Partial<TenantRecord> };

/** One HMAC key; the id travels with every seal, so that two are valid while one replaces the other. */
export interface SealKey {
  id: string;
  /** At least 32 bytes. */
  key: Buffer;
}

/**
 * Seals records with the first key and opens what any of the keys sealed. Who can write Kafka or Redis, but holds no
 * key, cannot mint a record: it does not open.
 */
export class RecordSeal {
  constructor(private readonly keys: readonly [SealKey, ...SealKey[]]) {}

  seal(kind: 'secret', record: SecretRecord): SealedRecord;
  seal(kind: 'tenant', record: TenantRecord): SealedRecord;
  seal(kind: RecordId['kind'], record: SecretRecord | TenantRecord): SealedRecord {
    const [{ id, key }] = this.keys;
    const json = JSON.stringify(record);
    return { json, sealKeyId: id, seal: mac(key, kind, json).toString('base64url') };
  }

  /** The record, or undefined when the seal is not right or the record stands at another address than its own. */
  open(at: RecordId & { kind: 'secret' }, sealed: SealedRecord): SecretRecord | undefined;
  open(at: RecordId & { kind: 'tenant' }, sealed: SealedRecord): TenantRecord | undefined;
  open({ kind, id }: RecordId, sealed: SealedRecord): SecretRecord | TenantRecord | undefined {
    const sealKey = this.keys.find((candidate) => candidate.id === sealed.sealKeyId);
    if (sealKey === undefined) return undefined;
    const given = Buffer.from(sealed.seal, 'base64url');
    const right = mac(sealKey.key, kind, sealed.json);
    if (given.length !== right.length || !timingSafeEqual(given, right)) return undefined;
    // Spread twice, every record would get a hidden class of its own, and all that reads records be slower by a third.
    const record: SecretRecord | TenantRecord = Object.assign(
      {},
      SEALED_BEFORE[kind],
      JSON.parse(sealed.json),
    );
    return ('digest' in record ? record.digest : record.tenantId) === id ? record : undefined;
  }
}

function mac(key: Buffer, kind: RecordId['kind'], json: string): Buffer {
  return createHmac('sha256', key).update(`${kind}\n${json}`).digest();
}
