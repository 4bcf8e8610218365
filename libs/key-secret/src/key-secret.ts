import { hash } from 'node:crypto';
import { crc32 } from 'node:zlib';

/**
 * The default profile's key format: `lk_{live|test}_` + 33 base62 characters of randomness (196 bits) + 6 base62
 * characters of the CRC-32 of everything before them. The checksum tells a typo or a scan from a key without asking
 * anyone; it is no protection.
 */
export type Environment = 'live' | 'test';

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const RANDOM_LENGTH = 33;
const CHECKSUM_LENGTH = 6;
const FORMAT = /^lk_(live|test)_[0-9A-Za-z]{39}$/;

/** Longest credential that is looked at, bytes. */
export const CREDENTIAL_BYTES_MAX = 512;

/** Unbiased: bytes of 248 and above are thrown away, so ask for more than needed. `randomBytes` must be a CSPRNG. */
export function composeSecret(environment: Environment, randomBytes: (length: number) => Buffer): string {
  let random = '';
  while (random.length < RANDOM_LENGTH) {
    for (const byte of randomBytes(RANDOM_LENGTH * 2)) {
      if (byte < 248 && random.length < RANDOM_LENGTH) random += BASE62.charAt(byte % 62);
    }
  }
  const body = `lk_${environment}_${random}`;
  return body + checksum(body);
}

/** True where the credential has the format and its checksum is right. */
export function isOwnSecret(credential: string): boolean {
  return (
    FORMAT.test(credential) &&
    checksum(credential.slice(0, -CHECKSUM_LENGTH)) === credential.slice(-CHECKSUM_LENGTH)
  );
}

/** SHA-256 of the whole secret's UTF-8 bytes, 64 lower-case hexadecimal digits: all that is ever kept of it. */
export function digestOf(secret: string): string {
  return hash('sha256', secret, 'hex');
}

/** What may be shown of a secret to recognise it by: 12 first and 4 last characters. */
export function hintOf(secret: string): { start: string; end: string } {
  return { start: secret.slice(0, 12), end: secret.slice(-4) };
}

function checksum(body: string): string {
  let rest = crc32(body);
  let text = '';
  for (let i = 0; i < CHECKSUM_LENGTH; i += 1) {
    text = BASE62.charAt(rest % 62) + text;
    rest = Math.floor(rest / 62);
  }
  return text;
}
