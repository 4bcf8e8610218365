import type { Clocks } from './clocks.js';
import { type ClockReadings, SuspendGuard } from './suspend-guard.js';

/** The monotonic clock as leases are counted by it: who reads it here is never told a time that stood still. */
export class LeaseClock {
  private readonly guard: SuspendGuard;

  constructor(
    private readonly clocks: Clocks,
    /** Told before the time is, so that what was leased is over by then. */
    private readonly onSuspended: () => void,
  ) {
    this.guard = new SuspendGuard(this.readings());
  }

  /** For a decision: cheap, so without the clock that only the operating system can be asked for. */
  nowMs(): number {
    const monotonicMs = this.clocks.monotonicMs();
    if (this.guard.stoodStill({ monotonicMs, wallMs: this.clocks.wallMs() })) this.suspended(this.readings());
    return monotonicMs;
  }

  /** Compares all clocks. */
  check(): void {
    const readings = this.readings();
    if (this.guard.stoodStill(readings)) this.suspended(readings);
  }

  /** For a renewal that is about to be sent: what comes is compared with this instant. */
  restart(): number {
    this.check();
    const readings = this.readings();
    this.guard.restart(readings);
    return readings.monotonicMs;
  }

  private suspended(readings: ClockReadings): void {
    this.guard.restart(readings);
    this.onSuspended();
  }

  private readings(): Required<ClockReadings> {
    const { clocks } = this;
    return { monotonicMs: clocks.monotonicMs(), wallMs: clocks.wallMs(), bootMs: clocks.bootMs() };
  }
}
