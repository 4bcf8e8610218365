import { CREDENTIAL_BYTES_MAX } from '#libs/key-secret';

/**
 * What a request shows to prove who it is: something that may be asked about, nothing (`missing`: also another scheme),
 * or what cannot be a credential whatever it says (`malformed`).
 */
export type ShownCredential = { credential: string } | { refused: 'missing' | 'malformed' };

const BEARER = /^Bearer +(.*)$/i;
/** Visible ASCII: more than RFC 6750 allows, since keys of older systems may hold any of it. */
const VISIBLE_ASCII = /^[\x21-\x7e]+$/;

/**
 * Reads the Bearer token from the headers as they came (name, value, name, value, …): the parsed ones keep only the
 * first of several Authorization headers, and whoever stands in between may have looked at another.
 */
export function shownCredential(rawHeaders: readonly string[]): ShownCredential {
  const values = rawHeaders.filter(
    (_, i) => i % 2 === 1 && rawHeaders[i - 1]?.toLowerCase() === 'authorization',
  );
  if (values.length > 1) return { refused: 'malformed' };
  const credential = BEARER.exec(values[0] ?? '')?.[1];
  if (credential === undefined) return { refused: 'missing' };
  if (credential.length > CREDENTIAL_BYTES_MAX || !VISIBLE_ASCII.test(credential)) {
    return { refused: 'malformed' };
  }
  return { credential };
}
