import { Histogram, type Registry } from 'prom-client';
import { type Enforcement, FenceAuthority, type FenceTerms, type LeaseRow } from '#libs/fence';
import type { Logger } from '#libs/service-kit';
import type { FenceLedger, FenceReceipt, FenceStanding, Incarnation } from './fence-ledger.js';
import { Enforcements, type EnforcementState } from './enforcements.js';
import type { Revisions } from './revisions.js';

/** How often waits that are over are looked for, milliseconds. */
const TICK_MS = 50;
/** Between two looks at the leases that nothing called for, milliseconds: while somebody waits, and else. */
const LOOK_WAITING_MS = 250;
const LOOK_IDLE_MS = 1000;
/** Between two rounds of pruning, milliseconds, and how much of the log one may remove. */
const PRUNE_MS = 60_000;
const PRUNE_ENTRIES_MAX = 10_000;
/** Enforcements remembered for who asks again. */
const REMEMBERED_MAX = 10_000;

interface Wait {
  epoch: string;
  committedAtMs: number;
  endsByMs: number;
  waiters: Set<() => void>;
  enforcement?: Enforcement;
}

/**
 * Waits until restrictions hold at every verifier, and gives up verifiers that are silent for longer than a lease: one
 * for each replica, each by its own monotonic clock, on what all of them share in the ledger. A wait that ends with its
 * replica loses nothing: whoever asks again begins a fresh, longer one.
 */
export class EnforcementRelay extends Enforcements {
  private readonly authority = new FenceAuthority();
  /** By the restriction's name, in the order they began. */
  private readonly waits = new Map<string, Wait>();
  private readonly namesById = new Map<number, string>();
  private readonly listeners: Parameters<EnforcementRelay['tell']>[0][] = [];
  private readonly duration: Histogram;
  private unsettledSince: { epoch: string; ms: number } | undefined;
  private timers: NodeJS.Timeout[] = [];
  private looking: Promise<void> | undefined;
  private lookAgain = false;
  private lookedAtMs = 0;
  private termsAreSet = false;
  private isFailing = false;
  private stopped = false;
  private pruning: Promise<void> = Promise.resolve();

  constructor(
    private readonly ledger: FenceLedger,
    private readonly revisions: Revisions,
    private readonly terms: FenceTerms,
    private readonly logger: Logger,
    metrics: Registry,
  ) {
    super();
    this.duration = new Histogram({
      name: 'latchkey_enforcement_duration_seconds',
      help: 'Time from the commit of a restriction until it held at every verifier, by how that came.',
      labelNames: ['via'],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30, 60],
      registers: [metrics],
    });
  }

  start(): void {
    this.timers = [
      setInterval(() => this.tick(), TICK_MS),
      setInterval(() => {
        this.pruning = this.pruning.then(() => this.prune());
      }, PRUNE_MS),
    ];
    void this.look();
  }

  /** Whoever waits is told "not yet": the replica is about to end. */
  stopWaiting(): void {
    this.stopped = true;
    for (const { waiters } of this.waits.values()) for (const wake of waiters) wake();
  }

  async close(): Promise<void> {
    this.stopWaiting();
    for (const timer of this.timers) clearInterval(timer);
    this.lookAgain = false;
    await this.looking;
    await this.pruning;
  }

  /** Who is told of what this relay finds. */
  tell(listener: { looked(standing: FenceStanding): void; gaveUp(verifiers: Incarnation[]): void }): void {
    this.listeners.push(listener);
  }

  async enforce(receipt: FenceReceipt, patienceMs = Number.POSITIVE_INFINITY): Promise<EnforcementState> {
    const wait = this.waitFor(receipt);
    if (wait.enforcement === undefined) void this.look();
    if (wait.enforcement === undefined && patienceMs > 0 && !this.stopped) {
      await new Promise<void>((resolve) => {
        const wake = () => {
          clearTimeout(timer);
          wait.waiters.delete(wake);
          resolve();
        };
        const timer = Number.isFinite(patienceMs) ? setTimeout(wake, patienceMs) : undefined;
        wait.waiters.add(wake);
      });
    }
    return wait.enforcement === undefined
      ? { status: 'committed', enforcedByMs: Date.now() + Math.max(0, wait.endsByMs - nowMs()) }
      : { status: 'enforced', ...wait.enforcement };
  }

  /**
   * Looks at the leases, once more if it is looking already: what that found may be from before the call. Never
   * rejects: while the database is away waits go on by time.
   */
  async look(): Promise<void> {
    if (this.looking !== undefined) {
      this.lookAgain = true;
      return this.looking;
    }
    this.looking = (async () => {
      do {
        this.lookAgain = false;
        await this.lookOnce();
      } while (this.lookAgain);
    })().finally(() => {
      this.looking = undefined;
    });
    return this.looking;
  }

  private waitFor({ seq, profile, standing }: FenceReceipt): Wait {
    const name = `${standing.epoch} ${seq}`;
    const known = this.waits.get(name);
    if (known !== undefined) return known;
    const committedAtMs = nowMs();
    const id = this.authority.wait({
      seq,
      profile,
      committedAtMs,
      outlivesMs: standing.boundMs,
      acksSuffice: standing.settled,
    });
    const wait: Wait = {
      epoch: standing.epoch,
      committedAtMs,
      endsByMs: committedAtMs + standing.boundMs,
      waiters: new Set(),
    };
    this.namesById.set(id, name);
    this.waits.set(name, wait);
    this.forgetOldest();
    return wait;
  }

  private tick(): void {
    this.finish(this.authority.elapsed(nowMs()));
    const everyMs = this.authority.waitingCount > 0 ? LOOK_WAITING_MS : LOOK_IDLE_MS;
    if (nowMs() - this.lookedAtMs >= everyMs && this.looking === undefined) void this.look();
  }

  private async lookOnce(): Promise<void> {
    const readFromMs = nowMs();
    this.lookedAtMs = readFromMs;
    try {
      if (!this.termsAreSet) {
        await this.ledger.open(this.terms);
        this.termsAreSet = true;
      }
      const { standing, rows } = await this.ledger.observe();
      this.isFailing = false;
      this.revisions.saw(standing);
      await this.tendEpoch(standing);
      for (const [id, name] of this.namesById) {
        const wait = this.waits.get(name);
        if (wait === undefined || wait.epoch === standing.epoch) continue;
        this.authority.distrustAcks(id, standing.boundMs);
        wait.endsByMs = Math.max(wait.endsByMs, wait.committedAtMs + standing.boundMs);
      }
      // Until an epoch is settled, incarnations that nobody has given up yet may hold the longer leases of an earlier one.
      const leaseMs = standing.settled ? standing.leaseMs : Math.max(standing.leaseMs, standing.boundMs);
      const { enforced, toGiveUp } = this.authority.observed({ rows, leaseMs, readFromMs }, nowMs());
      this.finish(enforced);
      for (const listener of this.listeners) listener.looked(standing);
      if (toGiveUp.length > 0) await this.giveUp(toGiveUp);
    } catch (err) {
      if (!this.isFailing)
        this.logger.warn({ err }, 'could not look at the leases of verifiers, trying again');
      this.isFailing = true;
    }
  }

  private async giveUp(silent: readonly LeaseRow[]): Promise<void> {
    const verifiers = await this.ledger.giveUp(silent);
    if (verifiers.length === 0) return;
    this.logger.warn({ verifiers }, 'gave up verifiers that were silent for longer than their lease');
    for (const listener of this.listeners) listener.gaveUp(verifiers);
    this.lookAgain = true;
  }

  /** Opens an epoch that is new, and settles it when this replica has itself seen the last lease from before end. */
  private async tendEpoch({ epoch, isOpen, settled, boundMs, leaseMs, serveStaleMaxMs }: FenceStanding) {
    if (!isOpen) {
      this.logger.warn({ epoch }, 'the fence log is in a new epoch: restrictions wait in full for a while');
      await this.ledger.open({ leaseMs, serveStaleMs: serveStaleMaxMs });
      this.lookAgain = true;
    } else if (settled) {
      this.unsettledSince = undefined;
    } else if (this.unsettledSince?.epoch !== epoch) {
      this.unsettledSince = { epoch, ms: nowMs() };
    } else if (this.lookedAtMs - this.unsettledSince.ms >= boundMs) {
      await this.ledger.settle(epoch);
    }
  }

  private finish(enforced: ReadonlyMap<number, Enforcement>): void {
    for (const [id, enforcement] of enforced) {
      const wait = this.waits.get(this.namesById.get(id) as string);
      this.namesById.delete(id);
      this.duration.observe({ via: enforcement.via }, enforcement.waitedMs / 1000);
      if (wait === undefined) continue;
      wait.enforcement = enforcement;
      for (const wake of wait.waiters) wake();
    }
  }

  private forgetOldest(): void {
    for (const [name, { enforcement }] of this.waits) {
      if (this.waits.size <= REMEMBERED_MAX) return;
      if (enforcement !== undefined) this.waits.delete(name);
    }
  }

  private async prune(): Promise<void> {
    try {
      await this.ledger.prune(PRUNE_ENTRIES_MAX);
    } catch (err) {
      this.logger.warn({ err }, 'could not prune the fence log, trying again later');
    }
  }
}

function nowMs(): number {
  return performance.now();
}
