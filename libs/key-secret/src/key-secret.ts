import { hash } from 'node:crypto';

/** Longest credential that is looked at, bytes. */
export const CREDENTIAL_BYTES_MAX = 512;

/** How many characters of a secret are kept and shown to recognise it by. */
export interface HintRules {
  first: number;
  last: number;
}

/** SHA-256 of the whole secret's UTF-8 bytes, 64 lower-case hexadecimal digits: all that is ever kept of it. */
export function digestOf(secret: string): string {
  return hash('sha256', secret, 'hex');
}

/** What may be shown of a secret to recognise it by. */
export function hintOf(secret: string, { first, last }: HintRules): { start: string; end: string } {
  return { start: secret.slice(0, first), end: last === 0 ? '' : secret.slice(-last) };
}
