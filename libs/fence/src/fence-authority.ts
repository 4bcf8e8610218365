import { FENCE_PROTOCOL_VERSION, type FenceEntry } from './fence-entry.js';
import { outlivesMs } from './fence-terms.js';
import type { Grant } from './fence-verifier.js';

/** An incarnation of a verifier as the authority keeps it. */
export interface LeaseRow {
  verifierId: string;
  incarnation: string;
  profiles: readonly string[];
  /** Every entry up to here is applied. */
  acked: number;
  /** How often it renewed. */
  renewals: number;
  serveStaleMs: number;
}

/** What one snapshot of the database said about leases. */
export interface LeaseReading {
  /** All that are not given up. */
  rows: readonly LeaseRow[];
  /** How long the leases of these rows last at most; read with them, since another replica may have changed it. */
  leaseMs: number;
  /** The snapshot was taken after this. */
  readFromMs: number;
}

/** A committed restriction that must not be called enforced before it is. */
export interface Restriction {
  seq: number;
  /** Of the key; null: every verifier may answer for it, as for a tenant. */
  profile: string | null;
  /** When the commit was known, by the monotonic clock of who waits. */
  committedAtMs: number;
  /** After how long since then no earlier lease is left. */
  outlivesMs: number;
  /** False while leases of an earlier epoch may be about: their holders' acknowledgements prove nothing. */
  acksSuffice: boolean;
}

/** How a restriction came to hold at every verifier. */
export interface Enforcement {
  via: 'acks' | 'lease_expiry';
  waitedMs: number;
  verifiers: {
    /** Said that they applied it. */
    acked: number;
    /** Said nothing, and can answer no more by a lease from before. */
    expired: number;
  };
}

/**
 * The authority's side of the fence protocol, as a state machine without clock, transport or database: it is told what
 * was committed and what the lease rows say, and tells which restrictions hold everywhere and which incarnations are to
 * be given up. One for each replica; what they share is in the database. All times are milliseconds of this replica's
 * monotonic clock: no time of another machine is ever compared with them.
 *
 * Invariants (I6, I7 of docs/guarantees.md): a restriction is enforced when every row that serves its profile has
 * acknowledged it, by rows read after its commit, or when its time is over; a row is given up only after it was seen
 * without a renewal for as long as its lease lasts.
 */
export class FenceAuthority {
  private readonly waiting = new Map<number, Restriction & { acked: number; silent: Set<string> }>();
  private readonly seen = new Map<string, { renewals: number; sinceMs: number }>();
  private nextId = 1;

  /** Begins to wait; the id names the restriction in what {@link observed} and {@link elapsed} tell. */
  wait(restriction: Restriction): number {
    const id = this.nextId;
    this.nextId += 1;
    this.waiting.set(id, { ...restriction, acked: 0, silent: new Set() });
    return id;
  }

  /** The epoch is another one: acknowledgements prove nothing for it any more, and its time may be longer. */
  distrustAcks(id: number, outlives: number): void {
    const restriction = this.waiting.get(id);
    if (restriction === undefined) return;
    restriction.acksSuffice = false;
    restriction.outlivesMs = Math.max(restriction.outlivesMs, outlives);
  }

  /** Nobody asks any more. */
  forget(id: number): void {
    this.waiting.delete(id);
  }

  /** Restrictions that wait. */
  get waitingCount(): number {
    return this.waiting.size;
  }

  /** Takes what was read and is known at `nowMs`. */
  observed(
    { rows, leaseMs, readFromMs }: LeaseReading,
    nowMs: number,
  ): { enforced: Map<number, Enforcement>; toGiveUp: LeaseRow[] } {
    const enforced = new Map<number, Enforcement>();
    for (const [id, restriction] of this.waiting) {
      const { seq, profile, committedAtMs, acksSuffice, silent } = restriction;
      if (readFromMs < committedAtMs) continue;
      const concerned = rows.filter((row) => serves(row, profile));
      for (const row of concerned) {
        if (row.acked < seq) silent.add(nameOf(row));
        else silent.delete(nameOf(row));
      }
      restriction.acked = concerned.filter(({ acked }) => acked >= seq).length;
      if (restriction.acked < concerned.length || !acksSuffice) continue;
      this.waiting.delete(id);
      enforced.set(id, enforcementOf(restriction, 'acks', nowMs));
    }
    return { enforced, toGiveUp: this.silentFor({ rows, leaseMs, readFromMs }, nowMs) };
  }

  /** What holds by now because no earlier lease is left. */
  elapsed(nowMs: number): Map<number, Enforcement> {
    const enforced = new Map<number, Enforcement>();
    for (const [id, restriction] of this.waiting) {
      if (nowMs - restriction.committedAtMs < restriction.outlivesMs) continue;
      this.waiting.delete(id);
      enforced.set(id, enforcementOf(restriction, 'lease_expiry', nowMs));
    }
    return enforced;
  }

  private silentFor({ rows, leaseMs, readFromMs }: LeaseReading, nowMs: number): LeaseRow[] {
    const present = new Set(rows.map(nameOf));
    for (const name of this.seen.keys()) if (!present.has(name)) this.seen.delete(name);
    return rows.filter((row) => {
      const name = nameOf(row);
      const seen = this.seen.get(name);
      if (seen === undefined || seen.renewals !== row.renewals) {
        this.seen.set(name, { renewals: row.renewals, sinceMs: nowMs });
        return false;
      }
      return readFromMs - seen.sinceMs >= outlivesMs({ leaseMs, serveStaleMs: row.serveStaleMs });
    });
  }
}

/** Most entries in one grant. */
export const GRANT_ENTRIES_MAX = 5000;

/**
 * What a renewal is answered with. `row` is undefined where no such incarnation is left; `entries` are those after the
 * `applied` that it sent, up to one more than a grant holds, read after the row was touched under the lock that orders
 * grants and restrictions.
 */
export function grantOf(
  row: object | undefined,
  { epoch, head, leaseMs, authorityTimeMs }: Pick<Grant, 'epoch' | 'head' | 'leaseMs' | 'authorityTimeMs'>,
  entries: readonly FenceEntry[],
): Grant {
  const hasMore = entries.length > GRANT_ENTRIES_MAX;
  const granted = row === undefined ? [] : entries.slice(0, GRANT_ENTRIES_MAX);
  return {
    protocolVersion: FENCE_PROTOCOL_VERSION,
    unknown: row === undefined,
    epoch,
    head,
    entries: granted,
    upTo: hasMore ? (granted.at(-1)?.seq ?? 0) : head,
    hasMore,
    leaseMs,
    authorityTimeMs,
  };
}

function enforcementOf(
  { committedAtMs, acked, silent }: { committedAtMs: number; acked: number; silent: ReadonlySet<string> },
  via: Enforcement['via'],
  nowMs: number,
): Enforcement {
  return { via, waitedMs: nowMs - committedAtMs, verifiers: { acked, expired: silent.size } };
}

function nameOf({ verifierId, incarnation }: LeaseRow): string {
  return `${verifierId} ${incarnation}`;
}

function serves({ profiles }: LeaseRow, profile: string | null): boolean {
  return profile === null || profiles.includes(profile);
}
