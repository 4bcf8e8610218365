/** The authority of the fence in memory, on the state machines of the real one, and clocks that a spec turns. */
import {
  type Enforcement,
  FENCE_PROTOCOL_VERSION,
  FenceAuthority,
  type FenceEntry,
  FencePushes,
  grantOf,
  type LeaseRow,
  outlivesMs,
  type Push,
  type Registration,
} from '#libs/fence';
import { Clocks } from './clocks.js';
import {
  type CountedGrant,
  FenceChannel,
  type FencePushStream,
  type Incarnation,
  type PushListener,
} from './fence-channel.js';

/** Clocks that stand until they are turned; what is due is called in its order. */
export class TurnedClocks extends Clocks {
  monotonic = 1000;
  wall = 1_800_000_000_000;
  boot = 50_000;
  private due: { atMs: number; callback: () => void }[] = [];

  override monotonicMs = () => this.monotonic;
  override wallMs = () => this.wall;
  override bootMs = () => this.boot;

  override after(delayMs: number, callback: () => void): () => void {
    const timer = { atMs: this.monotonic + delayMs, callback };
    this.due.push(timer);
    return () => {
      this.due = this.due.filter((each) => each !== timer);
    };
  }

  /** Lets time go on, and with each timer all that follows from it. */
  async turn(ms: number): Promise<void> {
    const untilMs = this.monotonic + ms;
    for (;;) {
      await settled();
      const next = this.due.toSorted((a, b) => a.atMs - b.atMs).find(({ atMs }) => atMs <= untilMs);
      if (next === undefined) break;
      this.due = this.due.filter((each) => each !== next);
      this.goOn(next.atMs - this.monotonic);
      next.callback();
    }
    this.goOn(untilMs - this.monotonic);
    await settled();
  }

  /** Lets time go on at once: every timer that is due by then is called, and nothing else happens in between. */
  jump(ms: number): void {
    this.goOn(ms);
    const due = this.due.filter(({ atMs }) => atMs <= this.monotonic).toSorted((a, b) => a.atMs - b.atMs);
    this.due = this.due.filter((timer) => !due.includes(timer));
    for (const { callback } of due) callback();
  }

  /** The machine is suspended for so long. */
  suspend(ms: number): void {
    this.wall += ms;
    this.boot += ms;
  }

  private goOn(ms: number): void {
    this.monotonic += ms;
    this.wall += ms;
    this.boot += ms;
  }
}

/** All that follows without waiting for time has happened. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 50; i += 1) await Promise.resolve();
}

/** One change, before it has a place in the log. */
export type Change = Omit<FenceEntry, 'seq'>;

export function keyChange(keyId: string, floorVersion: number, changes: Partial<Change> = {}): Change {
  return {
    kind: 'KEY',
    subject: `key-${keyId}`,
    floorVersion,
    terminal: false,
    profile: 'default',
    ...changes,
  };
}

export function tenantChange(tenantId: string, floorVersion: number, changes: Partial<Change> = {}): Change {
  return { ...keyChange('', floorVersion), kind: 'TENANT', subject: `tenant-${tenantId}`, ...changes };
}

interface Row extends LeaseRow {
  listener?: PushListener;
}

/** One replica of the authority with its database, by the clock that it is given. */
export class ExampleFence {
  epoch = 'epoch-1';
  leaseMs = 10_000;
  protocolVersion = FENCE_PROTOCOL_VERSION;
  /** What the authority pushes is lost. */
  deaf = false;
  /** Nothing that is asked is answered. */
  away = false;
  readonly rows: Row[] = [];
  log: FenceEntry[] = [];
  /** Every registration there was. */
  readonly registered: Incarnation[] = [];
  renewals = 0;
  private pushes = new FencePushes();
  private readonly authority = new FenceAuthority();
  private readonly enforced = new Map<number, (enforcement: Enforcement) => void>();

  constructor(private readonly clocks: Pick<Clocks, 'monotonicMs' | 'wallMs'>) {}

  get head(): number {
    return this.log.length;
  }

  register(
    { verifierId, incarnation }: Incarnation,
    terms: { profiles: readonly string[]; serveStaleMs: number },
  ): Registration {
    this.rows.push({ verifierId, incarnation, ...terms, acked: 0, renewals: 0 });
    this.registered.push({ verifierId, incarnation });
    return { protocolVersion: this.protocolVersion, epoch: this.epoch };
  }

  renew(incarnation: Incarnation, applied: number): CountedGrant {
    this.renewals += 1;
    const row = this.rowOf(incarnation);
    if (row !== undefined) row.renewals += 1;
    if (row !== undefined) this.acknowledge(incarnation, applied);
    const { epoch, head, leaseMs } = this;
    const terms = { epoch, head, leaseMs, authorityTimeMs: this.clocks.wallMs() };
    const entries = this.log.filter(({ seq }) => seq > applied);
    return { ...grantOf(row, terms, entries), liveVerifiers: this.rows.length };
  }

  watch(incarnation: Incarnation, applied: number, listener: PushListener): void {
    const row = this.rowOf(incarnation);
    if (row === undefined) return listener.onEnd(new Error('no such incarnation'));
    row.listener = listener;
    this.acknowledge(incarnation, applied);
    this.send(this.pushes.watch(incarnation.incarnation, applied, this.clocks.monotonicMs()));
  }

  acknowledge(incarnation: Incarnation, applied: number): void {
    const row = this.rowOf(incarnation);
    if (row !== undefined) row.acked = Math.max(row.acked, applied);
    this.pushes.acknowledged(incarnation.incarnation, applied);
    this.look();
  }

  deregister(incarnation: Incarnation): void {
    const row = this.rowOf(incarnation);
    if (row !== undefined) this.rows.splice(this.rows.indexOf(row), 1);
    this.pushes.unwatch(incarnation.incarnation);
    this.look();
  }

  /** The janitor gives up all incarnations. */
  giveUpAll(): void {
    this.rows.length = 0;
  }

  /** Ends all streams. */
  endStreams(): void {
    for (const row of this.rows) {
      const { listener } = row;
      delete row.listener;
      listener?.onEnd(new Error('the stream has ended'));
    }
  }

  /** Begins a database anew, as a restore does. */
  restore(epoch: string, log: FenceEntry[]): void {
    this.epoch = epoch;
    this.log = log;
    this.rows.length = 0;
    this.pushes = new FencePushes();
  }

  /** Commits a change; resolves when it is enforced at every verifier. */
  commit(change: Change): Promise<Enforcement> {
    const entry = { ...change, seq: this.head + 1 };
    const committedAtMs = this.clocks.monotonicMs();
    this.log.push(entry);
    const id = this.authority.wait({
      seq: entry.seq,
      profile: null,
      committedAtMs,
      outlivesMs: outlivesMs({ leaseMs: this.leaseMs, serveStaleMs: 0 }),
      acksSuffice: true,
    });
    const enforced = new Promise<Enforcement>((resolve) => this.enforced.set(id, resolve));
    this.send(this.pushes.committed([entry], committedAtMs));
    this.look();
    return enforced;
  }

  /** Pushes again what was not acknowledged, and ends waits that took their time. */
  tick(): void {
    this.send(this.pushes.resend(this.clocks.monotonicMs()));
    this.settle(this.authority.elapsed(this.clocks.monotonicMs()));
  }

  private look(): void {
    const nowMs = this.clocks.monotonicMs();
    const reading = { rows: this.rows, leaseMs: this.leaseMs, readFromMs: nowMs };
    this.settle(this.authority.observed(reading, nowMs).enforced);
  }

  private settle(enforced: ReadonlyMap<number, Enforcement>): void {
    for (const [id, enforcement] of enforced) this.enforced.get(id)?.(enforcement);
  }

  private send(pushes: readonly Push[]): void {
    if (this.deaf || this.away) return;
    for (const { watcher, entries } of pushes) {
      const row = this.rows.find(({ incarnation }) => incarnation === watcher);
      row?.listener?.onPush(this.epoch, entries);
    }
  }

  private rowOf({ verifierId, incarnation }: Incarnation): Row | undefined {
    return this.rows.find((row) => row.verifierId === verifierId && row.incarnation === incarnation);
  }
}

/** Reaches an {@link ExampleFence} in this process; every message goes through `deliver`, which may keep or lose it. */
export class ExampleFenceChannel extends FenceChannel {
  constructor(
    private readonly fence: ExampleFence,
    private readonly deliver: <T>(name: string, answer: () => T) => Promise<T> = async (_, answer) =>
      answer(),
  ) {
    super();
  }

  override register(...args: Parameters<FenceChannel['register']>): Promise<Registration> {
    return this.ask('register', () => this.fence.register(...args));
  }

  override renew(incarnation: Incarnation, applied: number): Promise<CountedGrant> {
    return this.ask('renew', () => this.fence.renew(incarnation, applied));
  }

  override watch(incarnation: Incarnation, applied: number, listener: PushListener): FencePushStream {
    let open = true;
    const later = (name: string, act: () => void) => void this.ask(name, act).catch(() => undefined);
    later('watch', () =>
      this.fence.watch(incarnation, applied, {
        onPush: (epoch, entries) => later('push', () => open && listener.onPush(epoch, entries)),
        onEnd: (error) => later('end', () => open && listener.onEnd(error)),
      }),
    );
    return {
      acknowledge: (upTo) => later('acknowledge', () => this.fence.acknowledge(incarnation, upTo)),
      close: () => {
        open = false;
      },
    };
  }

  override deregister(incarnation: Incarnation): Promise<void> {
    return this.ask('deregister', () => this.fence.deregister(incarnation));
  }

  override close(): void {}

  private ask<T>(name: string, answer: () => T): Promise<T> {
    if (this.fence.away) return Promise.reject(new Error('the authority is away'));
    return this.deliver(name, answer);
  }
}
