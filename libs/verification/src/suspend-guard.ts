/** The clocks as they were read at one instant, milliseconds. */
export interface ClockReadings {
  monotonicMs: number;
  wallMs: number;
  /** Left out where reading it costs too much. */
  bootMs?: number;
}

/** Ahead by no more than this another clock says nothing: what clocks are set right by, and what they differ in rate. */
const AHEAD_MS_MAX = 100;
const AHEAD_RATE_MAX = 0.01;

/**
 * Notices that the monotonic clock stood still while time went on, as while the machine is suspended: a lease that is
 * counted by it would last too long. Any other clock that ran ahead counts as that, also one that was only set.
 */
export class SuspendGuard {
  private last: ClockReadings;

  constructor(now: ClockReadings) {
    this.last = now;
  }

  /** From now on compares with these readings. They must follow on a check, or what was before goes unnoticed. */
  restart(now: ClockReadings): void {
    this.last = now;
  }

  /** Whether time went on without the monotonic clock since the last readings. */
  stoodStill({ monotonicMs, wallMs, bootMs }: ClockReadings): boolean {
    const elapsedMs = monotonicMs - this.last.monotonicMs;
    const atMostMs = elapsedMs + elapsedMs * AHEAD_RATE_MAX + AHEAD_MS_MAX;
    if (wallMs - this.last.wallMs > atMostMs) return true;
    return bootMs !== undefined && this.last.bootMs !== undefined && bootMs - this.last.bootMs > atMostMs;
  }
}
