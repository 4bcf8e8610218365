import type { AfterGrant, FenceVerifier } from '#libs/fence';
import { AwaitedHeads } from './awaited-heads.js';
import type { Clocks } from './clocks.js';
import type { FenceChannel, FencePushStream, Incarnation } from './fence-channel.js';
import type { FenceStatus } from './fence-status.js';
import { LeaseClock } from './lease-clock.js';

export interface FenceConsumerParts {
  channel: FenceChannel;
  fence: FenceVerifier;
  clocks: Clocks;
  verifierId: string;
  profiles: readonly string[];
  serveStaleMs: number;
  newIncarnation: () => string;
  watch: {
    /** The lease can't be renewed; told once each time. */
    onAway(error: unknown): void;
    /** There is a lease; told after each registration, suspension and time away. */
    onLeased(): void;
    /** The authority says what this version does not understand. */
    onIncompatible(): void;
    /** The machine was suspended, or its clock was set. */
    onSuspended(): void;
  };
}

/** Longest that a renewal may take; within these a quarter of the lease. */
const RENEW_DEADLINE_MS_MIN = 200;
const RENEW_DEADLINE_MS_MAX = 2000;
/** Between attempts while the authority is away: twice as long after each. */
const RETRY_MS_MIN = 100;
const RETRY_MS_MAX = 2000;
/** Every registration makes an incarnation that restrictions wait for: not more often than this where it is no use. */
const INCOMPATIBLE_PAUSE_MS = 10_000;
const REWATCH_MS = 200;
const SUSPEND_CHECK_MS = 1000;
const REACH_MS = 1000;

/**
 * Keeps a {@link FenceVerifier} in touch with the authority: registers it, renews its lease four times in its length,
 * hands it what is pushed and acknowledges that. It decides nothing: clocks and messages come in here, and what they
 * mean the state machine says.
 */
export class FenceConsumer {
  private readonly clock: LeaseClock;
  private readonly awaited: AwaitedHeads;
  private me: Incarnation | undefined;
  private stream: FencePushStream | undefined;
  private running: Promise<void> | undefined;
  private closed = false;
  /** In a row. */
  private failures = 0;
  private away = false;
  private leased = false;
  private leaseMs: number | undefined;
  private head = 0;
  private verifiers = 1;
  private registrations = 0;
  private suspensions = 0;
  /** Renew again without a pause. */
  private renewWanted = false;
  private wake: () => void = () => undefined;
  private stopChecks: () => void = () => undefined;

  constructor(private readonly parts: FenceConsumerParts) {
    this.clock = new LeaseClock(parts.clocks, () => this.suspended());
    this.awaited = new AwaitedHeads(parts.clocks);
  }

  /** Begins, and goes on until it is closed, whether the authority is there or not. */
  start(): void {
    this.checkClocksLater();
    this.running = this.run();
  }

  /** Gives up the lease, tells the authority so that nobody waits for this verifier, and ends. */
  async close(): Promise<void> {
    const { channel, fence } = this.parts;
    this.closed = true;
    this.stopChecks();
    this.wake();
    await this.running;
    fence.abandon();
    await this.leave();
    channel.close();
  }

  /** The monotonic clock, read for a decision. */
  nowMs(): number {
    return this.clock.nowMs();
  }

  /** Resolves to whether everything up to `head` is applied, or is within a second. Renews at once where it is not. */
  reach(head: number): Promise<boolean> {
    if (this.parts.fence.applied >= head) return Promise.resolve(true);
    this.renewSoon();
    return this.awaited.reach(head, REACH_MS);
  }

  /** Milliseconds that a degraded answer may be behind at most. */
  get staleMsMax(): number {
    return (this.leaseMs ?? 0) + this.parts.serveStaleMs;
  }

  /** How many verifiers there were when the lease was last renewed, this one among them. */
  get liveVerifiers(): number {
    return this.verifiers;
  }

  get status(): FenceStatus {
    const { applied } = this.parts.fence;
    return {
      applied,
      lag: Math.max(0, this.head - applied),
      leaseLeftMs: Math.max(0, this.parts.fence.leaseLeftMs(this.nowMs())),
      registrations: this.registrations,
      suspensions: this.suspensions,
    };
  }

  private async run(): Promise<void> {
    while (!this.closed) {
      this.renewWanted = false;
      const pauseMs = await this.turn().catch((error: unknown) => this.failed(error));
      await this.pause(pauseMs);
    }
  }

  /** Registers where needed and renews; resolves to how long to wait before the next turn. */
  private async turn(): Promise<number> {
    const registered = this.parts.fence.registeredEpoch !== undefined || (await this.register());
    const after = registered && !this.closed ? await this.renew() : 'incompatible';
    switch (after) {
      case 'leased':
        if (!this.leased) this.parts.watch.onLeased();
        this.leased = true;
        this.away = false;
        this.failures = 0;
        return (this.leaseMs as number) / 4;
      case 'more':
      case 'stale':
        return 0;
      case 'register':
        return this.retryPauseMs();
      case 'incompatible':
        return this.incompatible();
    }
  }

  /** False where the authority speaks another version. */
  private async register(): Promise<boolean> {
    const { channel, fence, verifierId, newIncarnation, profiles, serveStaleMs } = this.parts;
    void this.leave();
    const me = { verifierId, incarnation: newIncarnation() };
    const registration = await channel.register(me, { profiles, serveStaleMs });
    this.me = me;
    this.leased = false;
    this.head = 0;
    this.registrations += 1;
    return fence.registered(registration);
  }

  private async renew(): Promise<AfterGrant> {
    const { channel, fence } = this.parts;
    const me = this.me as Incarnation;
    const renewal = fence.renewing(this.clock.restart());
    const grant = await channel.renew(me, renewal.applied, this.renewDeadlineMs());
    this.clock.check();
    const after = this.closed ? 'stale' : fence.granted(grant, renewal);
    if (after !== 'leased' && after !== 'more') return after;
    this.head = Math.max(this.head, grant.head);
    this.leaseMs = grant.leaseMs;
    this.verifiers = Math.max(1, grant.liveVerifiers);
    this.stream?.acknowledge(fence.applied);
    this.awaited.applied(fence.applied);
    if (after === 'leased') this.stream ??= this.openStream(me);
    return after;
  }

  private openStream(me: Incarnation): FencePushStream {
    const { channel, fence, clocks } = this.parts;
    const stream = channel.watch(me, fence.applied, {
      onPush: (epoch, entries) => {
        if (stream !== this.stream) return;
        this.head = Math.max(this.head, entries.at(-1)?.seq ?? 0);
        const contiguous = fence.pushed(epoch, entries);
        if (!contiguous) this.renewSoon();
        else stream.acknowledge(fence.applied);
        this.awaited.applied(fence.applied);
      },
      onEnd: () => {
        if (stream !== this.stream) return;
        this.stream = undefined;
        // The next lease opens another; not at once, in case it would end like this one.
        clocks.after(REWATCH_MS, () => this.renewSoon());
      },
    });
    return stream;
  }

  /** Ends what there is of an incarnation that answers no more. Where the authority can't be told, it finds out itself. */
  private async leave(): Promise<void> {
    const { stream, me } = this;
    this.stream = undefined;
    this.me = undefined;
    stream?.close();
    if (me !== undefined) await this.parts.channel.deregister(me).catch(() => undefined);
  }

  private async incompatible(): Promise<number> {
    const { fence, watch } = this.parts;
    fence.abandon();
    if (this.closed) return 0;
    watch.onIncompatible();
    await this.leave();
    return INCOMPATIBLE_PAUSE_MS;
  }

  private failed(error: unknown): number {
    if (!this.away) this.parts.watch.onAway(error);
    this.away = true;
    this.leased = false;
    return this.retryPauseMs();
  }

  private retryPauseMs(): number {
    const pauseMs = Math.min(RETRY_MS_MIN * 2 ** this.failures, RETRY_MS_MAX);
    this.failures += 1;
    return pauseMs;
  }

  private renewDeadlineMs(): number {
    const quarterMs = (this.leaseMs ?? Number.POSITIVE_INFINITY) / 4;
    return Math.max(RENEW_DEADLINE_MS_MIN, Math.min(RENEW_DEADLINE_MS_MAX, quarterMs));
  }

  private renewSoon(): void {
    this.renewWanted = true;
    this.wake();
  }

  private pause(pauseMs: number): Promise<void> {
    if (this.closed || this.renewWanted || pauseMs === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const takeBack = this.parts.clocks.after(pauseMs, () => this.wake());
      this.wake = () => {
        this.wake = () => undefined;
        takeBack();
        resolve();
      };
    });
  }

  private checkClocksLater(): void {
    this.stopChecks = this.parts.clocks.after(SUSPEND_CHECK_MS, () => {
      this.clock.check();
      this.checkClocksLater();
    });
  }

  private suspended(): void {
    this.suspensions += 1;
    this.leased = false;
    this.parts.fence.suspended();
    this.parts.watch.onSuspended();
    this.renewSoon();
  }
}
