import { type Admission, type Demand, RateLimiter, requireDemands, WINDOW_MS } from './rate-limiter.js';

export interface DegradingRateLimiterOptions {
  /** The budgets of all processes; null where there are none, and each decides alone always. */
  shared: RateLimiter | null;
  /** What this process decides by meanwhile. */
  local: RateLimiter;
  /** How many processes share a limit now, at least 1: each then admits its part of it, rounded up. */
  liveVerifiers(): number;
  /** Milliseconds of a clock that never goes back. */
  nowMs(): number;
  /** Told when the shared budgets can't be asked, once each time, and with undefined when they are steadily back. */
  onAway(error: unknown): void;
  /** Told how many demands this process has just decided alone. */
  onDegraded(decisions: number): void;
}

/** Without a failure for so long, the shared budgets are back: one node of several that fails is no new story each time. */
const STEADY_MS = 1000;

/**
 * Limits that outlive their store: while the shared budgets can't be asked, this process decides alone on its part of
 * each limit, never fails, and says `degraded`. The shared ones are asked first each time, so that they decide again as
 * soon as they answer. What is admitted alone stays out of the shared budgets.
 */
export class DegradingRateLimiter extends RateLimiter {
  private away = false;
  private lastFailureMs = -Infinity;

  constructor(private readonly options: DegradingRateLimiterOptions) {
    super();
  }

  async consume(demands: readonly Demand[]): Promise<Admission[]> {
    requireDemands(demands);
    const { shared } = this.options;
    if (shared === null) return this.consumeAlone(demands);
    let admissions: Admission[];
    try {
      admissions = await shared.consume(demands);
    } catch (error) {
      this.failed(error);
      return this.consumeAlone(demands);
    }
    this.succeeded();
    return admissions;
  }

  async check(): Promise<void> {
    await this.options.shared?.check();
  }

  async close(): Promise<void> {
    await Promise.all([this.options.shared?.close(), this.options.local.close()]);
  }

  private async consumeAlone(demands: readonly Demand[]): Promise<Admission[]> {
    const sharers = Math.max(1, this.options.liveVerifiers());
    const parts = demands.map((demand) => ({ ...demand, limit: Math.ceil(demand.limit / sharers) }));
    const admissions = await this.options.local.consume(parts);
    this.options.onDegraded(demands.length);
    return admissions.map((admission, index) => degraded(admission, demands[index] as Demand));
  }

  private failed(error: unknown): void {
    this.lastFailureMs = this.options.nowMs();
    if (!this.away) this.options.onAway(error);
    this.away = true;
  }

  private succeeded(): void {
    if (!this.away || this.options.nowMs() - this.lastFailureMs < STEADY_MS) return;
    this.away = false;
    this.options.onAway(undefined);
  }
}

/** What is too much for a part of the limit may fit the whole of it later. */
function degraded(admission: Admission, { limit, cost }: Demand): Admission {
  const retryAfterMs = cost > limit ? Infinity : Math.min(admission.retryAfterMs, WINDOW_MS);
  return { ...admission, limit, retryAfterMs, degraded: true };
}
