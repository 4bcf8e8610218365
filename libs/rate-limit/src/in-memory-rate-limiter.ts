import { type Admission, type Demand, RateLimiter, requireDemands, WINDOW_MS } from './rate-limiter.js';
import { admissionOf, SlidingWindow } from './sliding-window.js';

/** The budgets of one process. Memory: 8 bytes for each admission of the last window, and nothing of older ones. */
export class InMemoryRateLimiter extends RateLimiter {
  /** Those admitted longest ago come first. */
  private readonly windows = new Map<string, SlidingWindow>();
  private readonly windowMicros: number;

  /** `nowMs`: milliseconds of a clock, fractions included, best one that never goes back. */
  constructor(
    private readonly nowMs: () => number,
    windowMs = WINDOW_MS,
  ) {
    super();
    this.windowMicros = windowMs * 1000;
  }

  async consume(demands: readonly Demand[]): Promise<Admission[]> {
    requireDemands(demands);
    const clockMicros = Math.floor(this.nowMs() * 1000);
    this.forgetEmpty(clockMicros);
    return demands.map((demand) => this.consumeOne(demand, clockMicros));
  }

  async check(): Promise<void> {}

  async close(): Promise<void> {}

  /** Subjects that hold an admission. */
  get size(): number {
    return this.windows.size;
  }

  private consumeOne(demand: Demand, clockMicros: number): Admission {
    const { subject, limit, cost } = demand;
    const window = this.windows.get(subject) ?? new SlidingWindow(this.windowMicros);
    const admission = admissionOf(demand, window.consume(clockMicros, limit, cost));
    if (admission.admitted) {
      this.windows.delete(subject);
      this.windows.set(subject, window);
    }
    return admission;
  }

  private forgetEmpty(clockMicros: number): void {
    for (const [subject, window] of this.windows) {
      if (!window.isEmptyAt(clockMicros)) return;
      this.windows.delete(subject);
    }
  }
}
