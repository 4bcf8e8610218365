import { FENCE_PROTOCOL_VERSION, type FenceEntry } from '../fence-entry.js';
import { CLOCK_RATE_ERROR } from '../fence-terms.js';
import {
  type AfterGrant,
  FenceVerifier,
  type Grant,
  type Renewal,
  type Standing,
} from '../fence-verifier.js';
import type { VerifyRecord } from '../history/check-history.js';
import { LeaseKeeper } from './lease-keeper.js';
import { type Question, type Records, VerifierHost } from './verifier-host.js';
import type { Task } from './world.js';

type StandingArguments = Parameters<FenceVerifier['standing']>;

/** Before the end of any lease. */
const LONG_AGO = Number.NEGATIVE_INFINITY;

export class NoLeaseCheck extends FenceVerifier {
  override standing(...[key, tenant]: StandingArguments): Standing {
    return super.standing(key, tenant, LONG_AGO);
  }
}

export class TenantFloorAgainstKey extends FenceVerifier {
  override standing(...[key, tenant, nowMs]: StandingArguments): Standing {
    return super.standing(key, { id: tenant.id, version: key.version }, nowMs);
  }
}

export class RenewsWithoutTheLog extends FenceVerifier {
  override granted(grant: Grant, renewal: Renewal): AfterGrant {
    return super.granted({ ...grant, entries: [] }, renewal);
  }
}

export class TakesEveryAnswer extends FenceVerifier {
  override granted(grant: Grant, renewal: Renewal): AfterGrant {
    return super.granted(grant, { ...renewal, beginning: this.renewing(0).beginning });
  }
}

export class ForgetsItsRefusals extends FenceVerifier {
  override refusedBy(): void {
    // Raises no floor.
  }
}

export class AppliesBehindGaps extends FenceVerifier {
  override pushed(epoch: string, entries: readonly FenceEntry[]): boolean {
    const head = entries.at(-1)?.seq ?? 0;
    if (epoch !== this.registeredEpoch || head <= this.applied) return false;
    const all = { protocolVersion: FENCE_PROTOCOL_VERSION, unknown: false, epoch, head, entries, upTo: head };
    super.granted({ ...all, hasMore: true, leaseMs: 0, authorityTimeMs: 0 }, this.renewing(0));
    return true;
  }
}

export class ActivatesBeforeApplying extends LeaseKeeper {
  protected override *take(grant: Grant, renewal: Renewal): Task<AfterGrant> {
    this.fence.granted({ ...grant, entries: [], upTo: 0 }, renewal);
    yield* this.host.sleep(this.host.world.random.anyScale(1, 500));
    return yield* super.take(grant, renewal);
  }
}

export class CountsFromTheAnswer extends LeaseKeeper {
  protected override *take(grant: Grant, renewal: Renewal): Task<AfterGrant> {
    return yield* super.take(grant, { ...renewal, sentAtMs: this.host.monotonicMs() });
  }
}

/** Serves (L + S) − ε. */
export class NoDriftMargin extends LeaseKeeper {
  protected override *take(grant: Grant, renewal: Renewal): Task<AfterGrant> {
    const { serveStaleMs } = this.options;
    const leaseMs = (grant.leaseMs + serveStaleMs) / (1 - 2 * CLOCK_RATE_ERROR) - serveStaleMs;
    return yield* super.take({ ...grant, leaseMs }, renewal);
  }
}

/** Serves L(1 − 2ρ) + S − ε. */
export class NoDriftMarginOnStale extends LeaseKeeper {
  protected override *take(grant: Grant, renewal: Renewal): Task<AfterGrant> {
    const { serveStaleMs } = this.options;
    const leaseMs = grant.leaseMs + serveStaleMs / (1 - 2 * CLOCK_RATE_ERROR) - serveStaleMs;
    return yield* super.take({ ...grant, leaseMs }, renewal);
  }
}

export class AcknowledgesWhatItIsSent extends LeaseKeeper {
  override pushed(stream: string, epoch: string, entries: readonly FenceEntry[]): void {
    super.pushed(stream, epoch, entries);
    this.acknowledge(Math.max(this.fence.applied, entries.at(-1)?.seq ?? 0));
  }
}

export class ChecksFloorsBeforeWaiting extends VerifierHost {
  protected override *decide(question: Question, records: Records, atLeast: string | undefined) {
    const before = yield* super.decide(question, records, atLeast);
    if (before?.verdict !== 'ALLOW') return before;
    yield* this.host.sleep(this.host.world.random.anyScale(1, 500));
    const lapsed: Partial<VerifyRecord> = { verdict: 'NONE' };
    return this.fence.leaseLeftMs(this.host.monotonicMs()) > 0 ? before : lapsed;
  }

  protected override standing(records: Records): Standing {
    return this.standingAt(records, LONG_AGO);
  }
}

export class ExpiresByTimer extends VerifierHost {
  private leased = false;

  override begin(): void {
    super.begin();
    this.host.every(10, () => {
      this.leased = this.fence.leaseLeftMs(this.host.monotonicMs()) > 0;
    });
  }

  protected override standing(records: Records): Standing {
    return this.leased ? this.standingAt(records, LONG_AGO) : 'lapsed';
  }
}

export class GuardsOnceASecond extends VerifierHost {
  protected override checkBeforeAnswer(): void {
    // The timer looks at the clocks, and every renewal.
  }
}

export class IgnoresTokens extends VerifierHost {
  protected override isAtLeast(): boolean {
    return true;
  }
}
