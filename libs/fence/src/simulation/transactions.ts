import { grantOf, type LeaseReading, type LeaseRow } from '../fence-authority.js';
import { FENCE_PROTOCOL_VERSION } from '../fence-entry.js';
import type { Grant, Registration } from '../fence-verifier.js';
import { type Command, isDone, type Stored } from './command.js';
import type { Database, Epoch, LeaseTerms } from './database.js';
import { Session } from './lock.js';
import type { Network } from './network.js';
import { FAILURE, type Host, type Task } from './world.js';

const SLOW_STATEMENT_MS_MAX = 200;

/** What a transaction knew of its time. */
interface Committed {
  stored: Stored;
  seq: number;
  epoch: Epoch;
  outlivesMs: number;
  terms: LeaseTerms;
}

/** What a replica asks of the database, one statement after another; anything may happen between two of them. */
export class Transactions {
  constructor(
    private readonly host: Host,
    private readonly databaseHost: Host,
    private readonly database: Database,
    private readonly network: Network,
    /** How often a statement is slow. */
    private readonly slowStatement: number,
  ) {}

  *register(lease: Pick<LeaseRow, 'verifierId' | 'incarnation' | 'serveStaleMs'>): Task<Registration> {
    const { database } = this;
    const session = yield* this.begin();
    try {
      yield* database.lock(session, 'shared');
      yield* this.statement();
      if (!database.epoch.isOpen) throw FAILURE;
      database.commit(session, () => database.register(lease));
      yield* this.statement();
      return { protocolVersion: FENCE_PROTOCOL_VERSION, epoch: database.epoch.name };
    } finally {
      database.rollBack(session);
    }
  }

  *renew(incarnation: string, applied: number): Task<Grant> {
    const { database, host } = this;
    const session = yield* this.begin();
    try {
      yield* database.lock(session, 'shared');
      const lease = yield* database.lockLease(incarnation, session);
      yield* this.statement();
      // In this order a restriction that came between the two would be passed over: the lock is all that prevents it.
      const entries = database.entriesAfter(applied);
      yield* this.statement();
      const { epoch, head } = database;
      if (!epoch.isOpen) throw FAILURE;
      const { leaseMs } = database.terms;
      const grant = grantOf(
        lease,
        { epoch: epoch.name, head, leaseMs, authorityTimeMs: host.world.now },
        entries,
      );
      yield* this.statement();
      database.commit(session, () => {
        if (lease !== undefined) database.renewed(lease, applied);
      });
      yield* this.statement();
      return grant;
    } finally {
      database.rollBack(session);
    }
  }

  *acknowledge(incarnation: string, applied: number): Task {
    yield* this.statement();
    this.database.acknowledged(incarnation, applied);
  }

  *deregister(incarnation: string): Task {
    yield* this.statement();
    this.database.deregister(incarnation);
  }

  /** The records of one snapshot. */
  *read(subjects: readonly string[]): Task<Stored[]> {
    yield* this.statement();
    const records = subjects.map((subject) => this.database.recordOf(subject));
    yield* this.statement();
    return records;
  }

  /** The leases of one snapshot, with what it says of its epoch. */
  *readLeases(): Task<{
    reading: LeaseReading;
    epoch: Epoch;
    outlivesMs: number;
  }> {
    const readFromMs = this.host.monotonicMs();
    yield* this.statement();
    const { epoch, outlivesMs } = this.database;
    const reading = { ...this.database.readLeases(), readFromMs };
    yield* this.statement();
    return { reading, epoch, outlivesMs };
  }

  /** Undefined where the state forbids it. What is the case already is committed too: by whoever made it so. */
  *commit(command: Command): Task<Committed | undefined> {
    const { database } = this;
    const session = yield* this.begin();
    try {
      const loaded = database.recordOf(command.target);
      const change = database.changeBy(command);
      if (change === undefined && !isDone(loaded, command)) return undefined;
      yield* this.statement();
      yield* database.lock(session, 'exclusive');
      yield* database.appendLock.acquire(session, 'exclusive');
      yield* this.statement();
      if (database.recordOf(command.target) !== loaded) throw FAILURE;
      const { epoch, outlivesMs, terms } = database;
      database.commit(session, () => {
        if (change !== undefined) database.append(change);
      });
      const stored = database.recordOf(command.target);
      yield* this.statement();
      return { stored, seq: stored.lastSeq, epoch, outlivesMs, terms };
    } finally {
      database.rollBack(session);
    }
  }

  changeLease(leaseMs: number): Task {
    return this.alone((database) => database.changeLease(leaseMs));
  }

  open(epochName: string): Task {
    return this.alone((database) => database.open(epochName));
  }

  private *alone(write: (database: Database) => void): Task {
    const { database } = this;
    const session = yield* this.begin();
    try {
      yield* database.lock(session, 'exclusive');
      yield* this.statement();
      database.commit(session, () => write(database));
    } finally {
      database.rollBack(session);
    }
  }

  /** The database does not answer. */
  get isAway(): boolean {
    return this.databaseHost.isStopped() || this.network.isCut(this.host, this.databaseHost);
  }

  private *begin(): Task<Session> {
    yield* this.statement();
    return new Session(this.host, this.databaseHost);
  }

  /** The way there, or back. */
  private *statement(): Task {
    const { random } = this.host.world;
    if (random.chance(this.slowStatement))
      yield* this.host.sleep(random.anyScale(0.5, SLOW_STATEMENT_MS_MAX));
    while (this.databaseHost.isStopped()) yield* this.host.sleep(20);
    if (this.network.isCut(this.host, this.databaseHost)) throw FAILURE;
  }
}
