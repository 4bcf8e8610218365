/** Version of the protocol between verifiers and authority; a verifier never takes a lease from another version. */
export const FENCE_PROTOCOL_VERSION = 1;

export const FENCE_KINDS = ['KEY', 'TENANT', 'HINT'] as const;

/** `KEY` and `TENANT` restrict and are waited for; a `HINT` says that what is remembered of its subject is old. */
export type FenceKind = (typeof FENCE_KINDS)[number];

/** One line of the fence log: a change to an existing key or tenant. */
export interface FenceEntry {
  /** Place in the log: 1, 2, 3 … without gaps. */
  seq: number;
  kind: FenceKind;
  /** The stream that changed, `key-<id>` or `tenant-<id>`; or `secret-<digest>` of a secret that came from elsewhere. */
  subject: string;
  /** Version of the subject's stream below which its records are too old to use. */
  floorVersion: number;
  /** The key is revoked for ever: nothing else about it matters any more. */
  terminal: boolean;
  profile: string;
}

export function subjectOfKey(keyId: string): string {
  return `key-${keyId}`;
}

export function subjectOfTenant(tenantId: string): string {
  return `tenant-${tenantId}`;
}

export function subjectOfSecret(digest: string): string {
  return `secret-${digest}`;
}

/** What the subject is, and its id. */
export function partsOfSubject(subject: string): { noun: string; id: string } {
  const at = subject.indexOf('-');
  return { noun: subject.slice(0, at), id: subject.slice(at + 1) };
}
