import type { KeyMessage } from '#libs/contracts';
import type { KnownKey } from './known-keys.js';

/** Latest time that both JavaScript and PostgreSQL can hold as a date. */
const TIME_MS_MAX = 8_640_000_000_000_000;

/** What a message of `latchkey.keys.v1` says of its key; undefined for a message of another form. */
export function readKeyMessage(value: Buffer): KnownKey | undefined {
  let message: Partial<KeyMessage> | null;
  try {
    message = JSON.parse(value.toString()) as Partial<KeyMessage> | null;
  } catch {
    return undefined;
  }
  const { keyId, tenantId, createdAtMs } = message ?? {};
  if (!isId(keyId) || !isId(tenantId)) return undefined;
  if (typeof createdAtMs !== 'number' || !(createdAtMs >= 0 && createdAtMs <= TIME_MS_MAX)) return undefined;
  return { keyId, tenantId, createdAtMs };
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && /^[\x21-\x7e]{1,200}$/.test(value);
}
