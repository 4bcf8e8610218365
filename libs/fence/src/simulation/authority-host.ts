import { FenceAuthority, type LeaseReading, type LeaseRow } from '../fence-authority.js';
import type { FenceEntry } from '../fence-entry.js';
import { FencePushes, type Push } from '../fence-pushes.js';
import type { Grant, Registration } from '../fence-verifier.js';
import type { RestrictRecord, WidenRecord } from '../history/check-history.js';
import type { Command, Stored } from './command.js';
import type { Database } from './database.js';
import type { Network } from './network.js';
import { tokenOf } from './token.js';
import type { Transactions } from './transactions.js';
import { FAILURE, type Host, type Task } from './world.js';

const POLL_MS = 100;
const JANITOR_MS = 400;
const COMMIT_ATTEMPTS = 5;
const COMMIT_RETRY_MS = 50;

/** What came of a command; what `failed` may have been committed all the same. */
export type CommandOutcome = 'done' | 'refused' | 'failed';

/** Who watches: pushes go there. */
interface Watcher {
  host: Host;
  pushed(stream: string, epoch: string, entries: readonly FenceEntry[]): void;
}

/** A replica of the authority: the real state machines between a modelled network and a modelled database. */
export class AuthorityHost {
  private authority = new FenceAuthority();
  private pushes = new FencePushes();
  private pushedSeq = 0;
  private unsettled = { epoch: '', sinceMs: 0 };
  private readonly streams = new Map<string, Watcher>();
  /** What goes on when a restriction is enforced. */
  private readonly waits = new Map<number, { epoch: string; goOn: () => void }>();

  constructor(
    readonly host: Host,
    private readonly database: Database,
    private readonly transactions: Transactions,
    private readonly network: Network,
  ) {}

  /** Begins with nothing remembered. */
  begin(): void {
    this.host.revive();
    this.authority = new FenceAuthority();
    this.pushes = new FencePushes();
    this.pushedSeq = this.database.head;
    this.unsettled = { epoch: '', sinceMs: 0 };
    this.streams.clear();
    this.waits.clear();
    this.host.every(POLL_MS, () => {
      this.push();
      this.observeIfAwaited();
    });
    this.host.every(JANITOR_MS, () => this.host.start(this.observe()));
  }

  register(lease: Pick<LeaseRow, 'verifierId' | 'incarnation' | 'serveStaleMs'>): Task<Registration> {
    return this.transactions.register(lease);
  }

  renew(incarnation: string, applied: number): Task<Grant> {
    return this.transactions.renew(incarnation, applied);
  }

  deregister(incarnation: string): Task {
    return this.transactions.deregister(incarnation);
  }

  read(subjects: readonly string[]): Task<Stored[]> {
    return this.transactions.read(subjects);
  }

  changeLease(leaseMs: number): Task {
    return this.transactions.changeLease(leaseMs);
  }

  watch(stream: string, applied: number, watcher: Watcher): void {
    this.streams.set(stream, watcher);
    this.send(this.pushes.watch(stream, applied, this.host.monotonicMs()));
  }

  unwatch(stream: string): void {
    this.streams.delete(stream);
    this.pushes.unwatch(stream);
  }

  *acknowledged(stream: string, incarnation: string, applied: number): Task {
    this.pushes.acknowledged(stream, applied);
    yield* this.transactions.acknowledge(incarnation, applied);
    this.observeIfAwaited();
  }

  /** Notes in the record what it knows when it knows it, as if who asked stood beside. */
  *command(command: Command, record: RestrictRecord | WidenRecord): Task<CommandOutcome> {
    const { host } = this;
    const committed = yield* this.commit(command);
    if (committed === 'failed' || committed === 'refused') return committed;
    const { stored, seq, epoch, outlivesMs, terms } = committed;
    const committedAtMs = host.monotonicMs();
    record.committedAt = host.world.now;
    record.revision = tokenOf(epoch.name, seq, stored);
    this.push();
    if (record.type === 'widen') {
      record.effectiveAt = record.committedAt + terms.longestLeaseMs + terms.serveStaleMaxMs;
      return 'done';
    }
    const profile = command.target.startsWith('key') ? 'default' : null;
    const acksSuffice = this.trustsAcknowledgements(epoch.settled);
    const id = this.authority.wait({ seq, profile, committedAtMs, outlivesMs, acksSuffice });
    this.endWait(outlivesMs);
    yield (resume) => {
      this.waits.set(id, { epoch: epoch.name, goOn: () => resume(undefined) });
      host.start(this.observe());
    };
    record.enforcedAt = host.world.now;
    return 'done';
  }

  protected trustsAcknowledgements(epochSettled: boolean): boolean {
    return epochSettled;
  }

  protected readingOf(reading: LeaseReading): LeaseReading {
    return reading;
  }

  private *commit(command: Command) {
    for (let attempt = 1; attempt <= COMMIT_ATTEMPTS; attempt += 1) {
      try {
        return (yield* this.transactions.commit(command)) ?? 'refused';
      } catch (error) {
        if (error !== FAILURE) throw error;
        yield* this.host.sleep(COMMIT_RETRY_MS);
      }
    }
    return 'failed';
  }

  /** Sends what was appended, here or elsewhere, and again what nobody acknowledged. */
  private push(): void {
    if (this.transactions.isAway) return;
    const nowMs = this.host.monotonicMs();
    const entries = this.database.entriesAfter(this.pushedSeq);
    this.pushedSeq += entries.length;
    this.send(this.pushes.committed(entries, nowMs));
    this.send(this.pushes.resend(nowMs));
  }

  private send(pushes: readonly Push[]): void {
    const epoch = this.database.epoch.name;
    for (const { watcher, entries } of pushes) {
      const verifier = this.streams.get(watcher);
      if (verifier === undefined) continue;
      this.network.send(this.host, verifier.host, () => verifier.pushed(watcher, epoch, entries));
    }
  }

  private observeIfAwaited(): void {
    if (this.authority.waitingCount > 0) this.host.start(this.observe());
  }

  private *observe(): Task {
    const { reading, epoch, outlivesMs } = yield* this.transactions.readLeases();
    const nowMs = this.host.monotonicMs();
    for (const [id, wait] of this.waits) {
      if (wait.epoch === epoch.name) continue;
      wait.epoch = epoch.name;
      this.distrust(id, outlivesMs);
    }
    const { enforced, toGiveUp } = this.authority.observed(this.readingOf(reading), nowMs);
    this.enforced(enforced);
    for (const row of toGiveUp) this.database.giveUp(row);
    if (epoch.settled) return;
    if (!epoch.isOpen) yield* this.transactions.open(epoch.name);
    else if (this.unsettled.epoch !== epoch.name) this.unsettled = { epoch: epoch.name, sinceMs: nowMs };
    else if (reading.readFromMs - this.unsettled.sinceMs >= outlivesMs) this.database.settle(epoch.name);
  }

  /** A restriction of an earlier epoch is waited for in full: who was leased then is given up. */
  protected distrust(id: number, outlivesMs: number): void {
    this.authority.distrustAcks(id, outlivesMs);
    this.endWait(outlivesMs);
  }

  private endWait(afterMs: number): void {
    this.host.after(afterMs, () => this.enforced(this.authority.elapsed(this.host.monotonicMs())));
  }

  private enforced(enforced: ReadonlyMap<number, unknown>): void {
    for (const id of enforced.keys()) {
      this.waits.get(id)?.goOn();
      this.waits.delete(id);
    }
  }
}
