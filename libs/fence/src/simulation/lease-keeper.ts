import type { FenceEntry } from '../fence-entry.js';
import type { AfterGrant, FenceVerifier, Grant, Renewal } from '../fence-verifier.js';
import type { AuthorityHost } from './authority-host.js';
import type { Network } from './network.js';
import type { Host, Task } from './world.js';

const REGISTER_TIMEOUT_MS = 1000;
/** After more renewals without an answer a verifier turns to another replica. */
const UNANSWERED_MAX = 1;
const GUARD_MS = 1000;
/** How much farther the boot-time clock must have gone than the monotonic one to tell a suspension. */
const SUSPENDED_MS = 100;

/** What a verifier is started with. */
export interface VerifierOptions {
  verifierId: string;
  serveStaleMs: number;
  renewEveryMs: number;
  nearRecordsMax: number;
}

/** Carries messages between a verifier's state machine and the replicas, for one life of its process. */
export class LeaseKeeper {
  private incarnation = '';
  private registrations = 0;
  private registering = false;
  private replica: AuthorityHost;
  private unanswered = 0;
  private stream = '';
  private streams = 0;
  private catchingUp = false;
  private acknowledgedSeq = 0;
  private clockAheadMs: number;
  private readonly life: number;

  constructor(
    readonly host: Host,
    protected readonly options: VerifierOptions,
    protected readonly fence: FenceVerifier,
    private readonly network: Network,
    private readonly replicas: readonly AuthorityHost[],
  ) {
    this.replica = host.world.random.pick(replicas);
    this.clockAheadMs = host.bootMs() - host.monotonicMs();
    this.life = host.lives;
  }

  begin(): void {
    const { host } = this;
    host.start(this.renew());
    host.every(this.options.renewEveryMs, () => {
      this.catchingUp = false;
      if (this.unanswered > UNANSWERED_MAX) this.watch(host.world.random.pick(this.replicas));
      host.start(this.renew());
    });
    host.every(GUARD_MS, () => this.checkClocks());
  }

  /** Serves no more, and says so. */
  end(): void {
    const { host, network, replica, incarnation } = this;
    this.fence.abandon();
    network.send(host, replica.host, () => replica.host.start(replica.deregister(incarnation)));
  }

  /** The stream breaks, and the other side sees it, if anything gets there. */
  disconnect(): void {
    const { host, network, replica, stream } = this;
    network.send(host, replica.host, () => replica.unwatch(stream));
  }

  /** A push arrives. */
  pushed(stream: string, epoch: string, entries: readonly FenceEntry[]): void {
    if (stream !== this.stream || this.life !== this.host.lives) return;
    if (this.fence.pushed(epoch, entries)) this.acknowledge(this.fence.applied);
    else this.catchUp();
  }

  /** The suspend guard. */
  checkClocks(): void {
    const aheadMs = this.host.bootMs() - this.host.monotonicMs();
    if (aheadMs - this.clockAheadMs <= SUSPENDED_MS) return;
    this.clockAheadMs = aheadMs;
    this.fence.suspended();
  }

  // A task only so that a mistake may wait in it.
  // oxlint-disable-next-line require-yield
  protected *take(grant: Grant, renewal: Renewal): Task<AfterGrant> {
    const after = this.fence.granted(grant, renewal);
    if (this.fence.applied > this.acknowledgedSeq) this.acknowledge(this.fence.applied);
    return after;
  }

  protected acknowledge(applied: number): void {
    this.acknowledgedSeq = applied;
    const { host, network, replica, stream, incarnation } = this;
    const acknowledged = () => replica.host.start(replica.acknowledged(stream, incarnation, applied));
    network.send(host, replica.host, acknowledged);
  }

  /** There is a gap: renews once, and again when it is time. */
  private catchUp(): void {
    if (this.catchingUp) return;
    this.catchingUp = true;
    this.host.start(this.renew(), () => {
      this.catchingUp = false;
    });
  }

  /** A renewal of its own, whatever else is under way. */
  private *renew(): Task {
    this.checkClocks();
    if (this.fence.registeredEpoch === undefined && !(yield* this.register())) return;
    const { host, network, incarnation, replica } = this;
    this.unanswered += 1;
    const renewal = this.fence.renewing(host.monotonicMs());
    const grant = yield* network.call(host, replica.host, () => replica.renew(incarnation, renewal.applied));
    if (grant === undefined) return;
    this.unanswered = 0;
    this.checkClocks();
    const after = yield* this.take(grant, renewal);
    if (after === 'more' || after === 'register') yield* this.renew();
  }

  private *register(): Task<boolean> {
    if (this.registering) return false;
    this.registering = true;
    const { host, network } = this;
    const { verifierId, serveStaleMs } = this.options;
    const replica = host.world.random.pick(this.replicas);
    this.registrations += 1;
    const incarnation = `${host.index}.${this.life}.${this.registrations}`;
    const register = () => replica.register({ verifierId, incarnation, serveStaleMs });
    const registration = yield* network.call(host, replica.host, register, REGISTER_TIMEOUT_MS);
    this.registering = false;
    if (registration === undefined) return false;
    this.incarnation = incarnation;
    this.acknowledgedSeq = 0;
    this.fence.registered(registration);
    this.watch(replica);
    return true;
  }

  private watch(replica: AuthorityHost): void {
    this.disconnect();
    this.replica = replica;
    this.streams += 1;
    const stream = `${this.incarnation}/${this.streams}`;
    this.stream = stream;
    const { applied } = this.fence;
    this.network.send(this.host, replica.host, () => replica.watch(stream, applied, this));
  }
}
