import type { FenceEntry } from '../fence-entry.js';

/** The state of a key or tenant: what a record in Redis holds. */
export interface Stored {
  /** As in the fence log. */
  subject: string;
  version: number;
  /** A key that is revoked. */
  revoked: boolean;
  /** A key whose scope `write` was taken away, or a tenant that is suspended. */
  limited: boolean;
  /** Of the entry that made it so. */
  lastSeq: number;
}

export interface Command {
  /** `limit` takes a key's scope away or suspends a tenant; `lift` undoes that. */
  does: 'revoke' | 'limit' | 'lift';
  /** Subject of the key or tenant. */
  target: string;
}

/** What a command appends. */
export interface Change {
  entry: Omit<FenceEntry, 'seq'>;
  next: Stored;
}

/** What of the target the command restricts or lifts, as a subject of the history. */
export function subjectOf({ does, target }: Command): string {
  return does === 'revoke' || target.startsWith('tenant') ? target : scopeOf(target);
}

export function scopeOf(key: string): string {
  return `${key} write`;
}

/** Undefined where the state is what the command wants, or can be changed no more. */
export function changeOf(stored: Stored, { does, target }: Command): Change | undefined {
  const { revoked, limited } = stored;
  if (revoked || (does === 'limit' && limited) || (does === 'lift' && !limited)) return undefined;
  const version = stored.version + 1;
  const restricts = target.startsWith('key') ? 'KEY' : 'TENANT';
  return {
    entry: {
      kind: does === 'lift' ? 'HINT' : restricts,
      subject: target,
      floorVersion: version,
      terminal: does === 'revoke',
      profile: 'default',
    },
    next: {
      ...stored,
      version,
      revoked: does === 'revoke',
      limited: does === 'limit' || (limited && does === 'revoke'),
    },
  };
}

/** Whether the state is what the command wants. */
export function isDone({ revoked, limited }: Stored, { does }: Command): boolean {
  return does === 'revoke' ? revoked : limited === (does === 'limit');
}
