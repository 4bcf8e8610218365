import { KEYS_TOPIC, type SealedRecord } from '#libs/contracts';
import type { RecordId } from '#libs/key-view';

/** A record and where it says it belongs, not yet believed. */
export interface CarriedRecord {
  at: RecordId;
  sealed: SealedRecord;
}

/** The sealed records that a message of the lifecycle topics carries; undefined where it is no such message. */
export function recordsOfMessage(topic: string, value: Buffer): CarriedRecord[] | undefined {
  const message = parsed(value.toString());
  if (topic !== KEYS_TOPIC) {
    const carried = carriedRecord('tenant', message?.['tenant']);
    return carried && [carried];
  }
  const secrets = message?.['secrets'];
  if (!Array.isArray(secrets)) return undefined;
  const carried = secrets.map((sealed) => carriedRecord('secret', sealed));
  return carried.every((each) => each !== undefined) ? carried : undefined;
}

/** The record where its own content says it belongs; its seal decides whether that is true. */
export function carriedRecord(kind: RecordId['kind'], sealed: unknown): CarriedRecord | undefined {
  if (!isSealedRecord(sealed)) return undefined;
  const id = parsed(sealed.json)?.[kind === 'secret' ? 'digest' : 'tenantId'];
  return typeof id === 'string' ? { at: { kind, id }, sealed } : undefined;
}

function isSealedRecord(value: unknown): value is SealedRecord {
  const { json, seal, sealKeyId } = Object(value) as Record<string, unknown>;
  return typeof json === 'string' && typeof seal === 'string' && typeof sealKeyId === 'string';
}

function parsed(json: string): Record<string, unknown> | undefined {
  try {
    return Object(JSON.parse(json)) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
