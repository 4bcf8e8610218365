import type { Admission, Demand } from './rate-limiter.js';

/** What a budget says to one demand; times in microseconds of the clock that it is kept by. */
export interface WindowDecision {
  /** Admissions in the window, with this one if it was admitted. */
  held: number;
  /** Until this demand fits: 0 where it was admitted, Infinity if it never will. */
  waitMicros: number;
  /** Until the window is empty. */
  freeMicros: number;
  decidedAtMicros: number;
}

/**
 * The exact sliding window of one subject: a log of admission times, as the Redis adapter's script keeps it too. Time
 * is what the clock says but never before the last admission, so that a clock that is set back admits no more. A last
 * admission that lies a window ahead or more is of a clock that was set back since: the log counts as lost, or it would
 * block the subject until that time. Entries leave by age alone, whatever the limit is, so that a limit that is
 * lowered and raised again finds them all. Amortised constant time by admission.
 */
export class SlidingWindow {
  private times: number[] = [];
  /** Where the oldest entry that is still in the window lies. */
  private first = 0;

  constructor(private readonly windowMicros: number) {}

  consume(clockMicros: number, limit: number, cost: number): WindowDecision {
    if (this.last - clockMicros >= this.windowMicros) this.clear();
    const nowMicros = Math.max(clockMicros, this.last);
    this.trim(nowMicros);
    const held = this.times.length - this.first;
    if (held + cost > limit) {
      // The oldest that must leave so that the cost fits, and all before it.
      const blocking = this.times[this.first + held + cost - limit - 1];
      return {
        held,
        waitMicros: blocking === undefined ? Infinity : this.untilGone(blocking, clockMicros),
        freeMicros: held === 0 ? 0 : this.untilGone(this.last, clockMicros),
        decidedAtMicros: nowMicros,
      };
    }
    for (let n = 0; n < cost; n += 1) this.times.push(nowMicros);
    return {
      held: held + cost,
      waitMicros: 0,
      freeMicros: this.untilGone(nowMicros, clockMicros),
      decidedAtMicros: nowMicros,
    };
  }

  /** Whether nothing is left in the window at this time: then a new one answers the same. */
  isEmptyAt(clockMicros: number): boolean {
    return Math.abs(clockMicros - this.last) >= this.windowMicros;
  }

  private get last(): number {
    return this.times.at(-1) ?? -Infinity;
  }

  private untilGone(timeMicros: number, clockMicros: number): number {
    return timeMicros + this.windowMicros - clockMicros;
  }

  private trim(nowMicros: number): void {
    const leftAt = nowMicros - this.windowMicros;
    while (this.first < this.times.length && (this.times[this.first] as number) <= leftAt) this.first += 1;
    // Moved up only when half is gone, which costs each entry a constant.
    if (this.first * 2 > this.times.length) {
      this.times = this.times.slice(this.first);
      this.first = 0;
    }
  }

  private clear(): void {
    this.times = [];
    this.first = 0;
  }
}

/** The answer that a decision is; waiting times are rounded up, so that who waits so long is not early. */
export function admissionOf({ limit }: Demand, decision: WindowDecision): Admission {
  return {
    admitted: decision.waitMicros === 0,
    limit,
    remaining: Math.max(0, limit - decision.held),
    retryAfterMs: Math.ceil(decision.waitMicros / 1000),
    resetMs: Math.ceil(decision.freeMicros / 1000),
    degraded: false,
    decidedAtMicros: decision.decidedAtMicros,
  };
}
