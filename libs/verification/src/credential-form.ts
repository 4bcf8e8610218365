import { CREDENTIAL_BYTES_MAX } from '#libs/key-secret';
import type { Profile } from '#libs/profiles';

const PRINTABLE_ASCII = /^[\x21-\x7e]+$/;

/**
 * Whether a key of this product could look like this: it has the product's own format, or that of keys which were
 * imported. Most typos and scans end here, before anyone is asked.
 */
export function isWellFormed(credential: string, { keys }: Pick<Profile, 'keys'>): boolean {
  // Of ASCII alone the length in characters is the length in bytes.
  if (credential.length > CREDENTIAL_BYTES_MAX || !PRINTABLE_ASCII.test(credential)) return false;
  if (keys.format.accepts(credential)) return true;
  return !keys.format.claims(credential) && keys.legacyPatterns.some((pattern) => pattern.test(credential));
}
