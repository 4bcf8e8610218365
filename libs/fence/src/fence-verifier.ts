import { FENCE_KINDS, FENCE_PROTOCOL_VERSION, type FenceEntry } from './fence-entry.js';
import { type FenceTerms, freshMs, servingMs } from './fence-terms.js';
import { Floors } from './floors.js';

/** The authority's answer to a registration. */
export interface Registration {
  protocolVersion: number;
  epoch: string;
}

/** The authority's answer to a renewal. */
export interface Grant {
  protocolVersion: number;
  /** The authority does not know the incarnation, or gave it up. */
  unknown: boolean;
  epoch: string;
  head: number;
  entries: readonly FenceEntry[];
  /** With the entries applied, everything up to here is. */
  upTo: number;
  /** There is more behind `upTo`. */
  hasMore: boolean;
  leaseMs: number;
  /** The authority's clock when it answered, milliseconds since the epoch. */
  authorityTimeMs: number;
}

/** A renewal under way: what was the case when it was sent, kept until its answer comes. */
export interface Renewal {
  /** What it sends: the highest seq up to which every entry was applied. */
  applied: number;
  sentAtMs: number;
  /** Which beginning of this verifier sent it. */
  beginning: number;
}

/** What a grant asks of who carries messages. */
export type AfterGrant =
  /** Nothing. */
  | 'leased'
  /** To renew again at once: there are more entries. */
  | 'more'
  /** Nothing: it answers what was asked before another beginning or a suspension, and nothing of it was taken. */
  | 'stale'
  /** To register a new incarnation. */
  | 'register'
  /** Neither to register nor to renew: the authority says what this version does not understand. */
  | 'incompatible';

/** Whether an answer may be given from records of these versions, at this instant. */
export type Standing =
  /** Yes. */
  | 'current'
  /** Yes, flagged: within the allowance beyond the lease. */
  | 'degraded'
  /** No: the lease has ended. */
  | 'lapsed'
  /** The key is revoked, whatever the record says. */
  | 'revoked'
  /** The record is older than a change that is known: read the authority. */
  | 'key_too_old'
  | 'tenant_too_old';

/**
 * A verifier's side of the fence protocol, as a state machine without clock or transport: what it is told it applies,
 * and what it is asked it decides by the time it is given. All times are milliseconds of one monotonic clock.
 *
 * Every method is synchronous, so that nothing can come between a check and what it guards. Invariants (I1, I2, I3,
 * I5 of docs/guarantees.md): `leaseUntilMs` is set only from a grant whose entries were applied in the same call;
 * `applied` and floors only rise within an incarnation; an acknowledgement is `applied`, so what it covers is applied.
 *
 * After C. Gray and D. Cheriton, Leases (1989), J. Yin et al., Volume leases (1999), M. Burrows, Chubby (2006).
 */
export class FenceVerifier {
  private epoch: string | undefined;
  private beginning = 0;
  private floors = new Floors();
  private appliedSeq = 0;
  private leaseUntilMs = 0;
  private freshUntilMs = 0;
  private authorityAheadMs: number | undefined;

  constructor(
    private readonly serveStaleMs: number,
    /** What is remembered outside: told of every entry as it is applied, and of a start from nothing. */
    private readonly memory: { evict(entry: FenceEntry): void; clear(): void },
  ) {}

  /** The highest seq up to which every entry is applied: what a renewal and an acknowledgement carry. */
  get applied(): number {
    return this.appliedSeq;
  }

  /** The epoch of the incarnation; undefined while not registered. */
  get registeredEpoch(): string | undefined {
    return this.epoch;
  }

  /** Begins an incarnation with nothing applied and no lease; false where the authority speaks another version. */
  registered({ protocolVersion, epoch }: Registration): boolean {
    this.abandon();
    if (protocolVersion !== FENCE_PROTOCOL_VERSION) return false;
    this.epoch = epoch;
    return true;
  }

  /** Ends the incarnation: no answer until the next one has its lease. */
  abandon(): void {
    this.epoch = undefined;
    this.beginning += 1;
    this.floors = new Floors();
    this.appliedSeq = 0;
    this.leaseUntilMs = 0;
    this.freshUntilMs = 0;
    this.memory.clear();
  }

  /** What to renew with; call it, and read the clock for it, before the request is sent. */
  renewing(nowMs: number): Renewal {
    return { applied: this.appliedSeq, sentAtMs: nowMs, beginning: this.beginning };
  }

  /** Takes the answer to a renewal. Answers may come late, twice and in any order. */
  granted(grant: Grant, { applied, sentAtMs, beginning }: Renewal): AfterGrant {
    // What comes after the entries of another incarnation says nothing about those before it; and a clock that stood
    // still says nothing about when this was sent.
    if (beginning !== this.beginning) return 'stale';
    if (grant.protocolVersion !== FENCE_PROTOCOL_VERSION || !grant.entries.every(isKnown)) {
      this.abandon();
      return 'incompatible';
    }
    if (grant.unknown || grant.epoch !== this.epoch || applied > grant.head) {
      this.abandon();
      return 'register';
    }
    for (const entry of grant.entries) this.apply(entry);
    this.appliedSeq = Math.max(this.appliedSeq, grant.upTo);
    if (grant.hasMore) return 'more';
    const terms: FenceTerms = { leaseMs: grant.leaseMs, serveStaleMs: this.serveStaleMs };
    this.leaseUntilMs = Math.max(this.leaseUntilMs, sentAtMs + servingMs(terms));
    this.freshUntilMs = Math.max(this.freshUntilMs, sentAtMs + freshMs(terms));
    this.authorityAheadMs = grant.authorityTimeMs - sentAtMs;
    return 'leased';
  }

  /**
   * Takes pushed entries, by seq. True: everything up to {@link applied} may be acknowledged. False: there is a gap, or
   * what this version does not know, and only a renewal can tell.
   */
  pushed(epoch: string, entries: readonly FenceEntry[]): boolean {
    if (epoch !== this.epoch) return false;
    for (const entry of entries) {
      if (entry.seq <= this.appliedSeq) continue;
      if (entry.seq !== this.appliedSeq + 1 || !isKnown(entry)) return false;
      this.apply(entry);
      this.appliedSeq = entry.seq;
    }
    return true;
  }

  /** The clock stood still while time went on: whatever was granted, or is being asked for, may have ended. */
  suspended(): void {
    this.beginning += 1;
    this.leaseUntilMs = 0;
    this.freshUntilMs = 0;
  }

  /**
   * May be answered now, from the key's record of this version and the tenant's of that one? The clock must be read for
   * this very call. A floor is compared with the version of its own stream.
   */
  standing(
    key: { id: string; version: number },
    tenant: { id: string; version: number },
    nowMs: number,
  ): Standing {
    // So written, a time that is no number lapses too.
    if (!(nowMs < this.leaseUntilMs)) return 'lapsed';
    const floor = this.floors.ofKey(key.id);
    if (Floors.isTerminal(floor)) return 'revoked';
    if (key.version < floor) return 'key_too_old';
    if (tenant.version < this.floors.ofTenant(tenant.id)) return 'tenant_too_old';
    return nowMs < this.freshUntilMs ? 'current' : 'degraded';
  }

  /**
   * An answer refuses by the record of this subject at this version: older records of it are used no more. Otherwise a
   * record from before, which a Redis that lost writes brings back, could allow again what this verifier has refused,
   * as long as the entry of the log is not here.
   */
  refusedBy(subject: string, version: number): void {
    this.floors.raise({ subject, floorVersion: version, terminal: false });
  }

  /** Milliseconds that may still be answered; 0 or less: none. */
  leaseLeftMs(nowMs: number): number {
    return this.leaseUntilMs - nowMs;
  }

  /**
   * The authority's time, milliseconds since the epoch: ahead of it by at most the round trip of the last renewal, so
   * that what expires does so in time. Undefined before the first grant.
   */
  authorityTimeMs(nowMs: number): number | undefined {
    return this.authorityAheadMs === undefined ? undefined : nowMs + this.authorityAheadMs;
  }

  private apply(entry: FenceEntry): void {
    this.floors.raise(entry);
    this.memory.evict(entry);
  }
}

/** A kind that this version does not know may restrict in a way it could not honour. */
function isKnown({ kind }: FenceEntry): boolean {
  return FENCE_KINDS.includes(kind);
}
