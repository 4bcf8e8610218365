import { CREDENTIAL_BYTES_MAX, isOwnSecret } from '#libs/key-secret';

const PRINTABLE_ASCII = /^[\x21-\x7e]+$/;

/**
 * Whether a key of ours could look like this; most typos and scans end here, before anyone is asked. What begins with
 * `lk_` must have our format and checksum; anything else must match one of the patterns accepted for imported keys.
 */
export function isWellFormed(credential: string, legacyPatterns: readonly RegExp[]): boolean {
  // Of ASCII alone the length in characters is the length in bytes.
  if (credential.length > CREDENTIAL_BYTES_MAX || !PRINTABLE_ASCII.test(credential)) return false;
  if (credential.startsWith('lk_')) return isOwnSecret(credential);
  return legacyPatterns.some((pattern) => pattern.test(credential));
}
