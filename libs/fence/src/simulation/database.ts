import type { LeaseReading, LeaseRow } from '../fence-authority.js';
import type { FenceEntry } from '../fence-entry.js';
import { outlivesMs } from '../fence-terms.js';
import { type Change, changeOf, type Command, type Stored } from './command.js';
import { Lock, type Session } from './lock.js';
import type { Task } from './world.js';

export interface LeaseTerms {
  leaseMs: number;
  /** The longest that a lease may last which was given before the epoch was settled. */
  longestLeaseMs: number;
  serveStaleMaxMs: number;
}

export interface Epoch {
  name: string;
  /** Whoever was leased before is given up. */
  isOpen: boolean;
  /** No lease of an earlier one is left. */
  settled: boolean;
}

export interface StoredLease extends LeaseRow {
  lockedBy: Session | undefined;
  /** What survives the death of the server. */
  durable: { acked: number; renewals: number };
}

/**
 * The part of PostgreSQL that the protocol stands on: each method is a statement and sees what is committed at that
 * moment; what a transaction writes is there when it commits, all at once.
 */
export class Database {
  readonly appendLock = new Lock();
  epoch: Epoch = { name: 'epoch-0', isOpen: true, settled: true };
  private readonly leases = new Map<string, StoredLease>();
  private readonly lockF = new Lock();
  private readonly records = new Map<string, Stored>();
  private readonly log: FenceEntry[] = [];
  /** The leases as they were at the last append: what a restore would bring back without losing a restriction. */
  private backup: StoredLease[] = [];

  constructor(
    public terms: LeaseTerms,
    /** Told of every commit to the log. */
    private readonly committed: (stored: Stored) => void,
  ) {}

  *lock(session: Session, mode: 'shared' | 'exclusive'): Task {
    yield* this.lockF.acquire(session, mode);
  }

  /** The end of a transaction: what it wrote is there, and its locks are free. */
  commit(session: Session, write: () => void): void {
    session.touch();
    write();
    this.rollBack(session);
  }

  rollBack(session: Session): void {
    session.end();
    this.lockF.release(session);
    this.appendLock.release(session);
  }

  get head(): number {
    return this.log.length;
  }

  entriesAfter(seq: number): FenceEntry[] {
    return this.log.slice(seq);
  }

  create(stored: Stored): void {
    this.records.set(stored.subject, stored);
  }

  recordOf(subject: string): Stored {
    return this.records.get(subject) as Stored;
  }

  /** What the command would change now; undefined where it would nothing. */
  changeBy(command: Command): Change | undefined {
    return changeOf(this.recordOf(command.target), command);
  }

  append({ entry, next }: Change): void {
    const seq = this.head + 1;
    this.log.push({ ...entry, seq });
    this.records.set(next.subject, { ...next, lastSeq: seq });
    this.backup = [...this.leases.values()].map((lease) => ({ ...lease, lockedBy: undefined }));
    this.committed(this.recordOf(next.subject));
  }

  /** Fills the log with what restricts nobody, so that one grant does not hold it. */
  fill(entries: number): void {
    for (let n = 1; n <= entries; n += 1) {
      const hint = {
        kind: 'HINT',
        subject: `key-${n % 7}-of-others`,
        floorVersion: n,
        terminal: false,
      } as const;
      this.log.push({ ...hint, seq: this.head + 1, profile: 'default' });
    }
  }

  register(lease: Pick<LeaseRow, 'verifierId' | 'incarnation' | 'serveStaleMs'>): void {
    if (this.leases.has(lease.incarnation)) return;
    const fresh = { acked: 0, renewals: 0 };
    this.leases.set(lease.incarnation, {
      ...lease,
      ...fresh,
      profiles: ['default'],
      lockedBy: undefined,
      durable: fresh,
    });
  }

  deregister(incarnation: string): void {
    this.leases.delete(incarnation);
  }

  /** Locks a row as an update of it does, when no other transaction has it; undefined where there is none. */
  *lockLease(incarnation: string, session: Session): Task<StoredLease | undefined> {
    for (;;) {
      session.touch();
      const lease = this.leases.get(incarnation);
      if (lease === undefined) return undefined;
      if (lease.lockedBy === undefined || lease.lockedBy.isOver()) {
        lease.lockedBy = session;
        return lease;
      }
      yield* session.host.sleep(5);
    }
  }

  renewed(lease: StoredLease, applied: number): void {
    lease.renewals += 1;
    lease.acked = Math.max(lease.acked, applied);
    lease.durable = { acked: lease.acked, renewals: lease.renewals };
  }

  /** One statement, not durable. */
  acknowledged(incarnation: string, applied: number): void {
    const lease = this.leases.get(incarnation);
    if (lease !== undefined) lease.acked = Math.max(lease.acked, applied);
  }

  readLeases(): Omit<LeaseReading, 'readFromMs'> {
    const rows = [...this.leases.values()].map(
      ({ verifierId, incarnation, profiles, acked, renewals, serveStaleMs }) => ({
        verifierId,
        incarnation,
        profiles,
        acked,
        renewals,
        serveStaleMs,
      }),
    );
    return { rows, leaseMs: this.terms.leaseMs };
  }

  /** `UPDATE … WHERE renewals = seen`: one statement, which would wait for a transaction that renews and then find more. */
  giveUp({ incarnation, renewals }: LeaseRow): void {
    const lease = this.leases.get(incarnation);
    if (lease === undefined || lease.renewals !== renewals) return;
    if (lease.lockedBy === undefined || lease.lockedBy.isOver()) this.leases.delete(incarnation);
  }

  /** After how long from now no lease is left that was given until now. */
  get outlivesMs(): number {
    const { longestLeaseMs, serveStaleMaxMs } = this.terms;
    return outlivesMs({ leaseMs: longestLeaseMs, serveStaleMs: serveStaleMaxMs });
  }

  /** Another server is the first now, or an operator said so. */
  beginEpoch(): void {
    this.epoch = { name: `epoch-${Number(this.epoch.name.slice(6)) + 1}`, isOpen: false, settled: false };
  }

  open(epochName: string): void {
    if (this.epoch.name !== epochName || this.epoch.isOpen) return;
    this.epoch = { ...this.epoch, isOpen: true };
    this.leases.clear();
  }

  settle(epochName: string): void {
    if (this.epoch.name !== epochName) return;
    this.epoch = { ...this.epoch, settled: true };
    this.terms = { ...this.terms, longestLeaseMs: this.terms.leaseMs };
  }

  changeLease(leaseMs: number): void {
    const longestLeaseMs = Math.max(this.terms.longestLeaseMs, leaseMs);
    this.terms = { ...this.terms, leaseMs, longestLeaseMs };
    this.beginEpoch();
    this.open(this.epoch.name);
  }

  /** The server dies and comes back: what was committed without waiting for the disk may be gone. */
  die(): void {
    for (const lease of this.leases.values()) Object.assign(lease, lease.durable, { lockedBy: undefined });
  }

  /** A restore to the last append: who registered or left since is forgotten. */
  restore(): void {
    this.leases.clear();
    for (const lease of this.backup) this.leases.set(lease.incarnation, { ...lease });
    this.beginEpoch();
  }
}
