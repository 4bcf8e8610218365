/**
 * Stops asking who does not answer: after so many failures in a row it is open, and lets one attempt pass after each
 * pause to see whether that has changed. Times are milliseconds of one clock.
 */
export class Breaker {
  private failures = 0;
  private nextAttemptMs = 0;

  constructor(
    private readonly failuresMax: number,
    private readonly pauseMs: number,
  ) {}

  /** Whether an attempt may be made now; its end is told with {@link succeeded} or {@link failed}. */
  admits(nowMs: number): boolean {
    if (this.failures < this.failuresMax) return true;
    if (nowMs < this.nextAttemptMs) return false;
    // The attempt that is let through holds the others back for another pause.
    this.nextAttemptMs = nowMs + this.pauseMs;
    return true;
  }

  succeeded(): void {
    this.failures = 0;
  }

  failed(nowMs: number): void {
    this.failures += 1;
    if (this.failures >= this.failuresMax) this.nextAttemptMs = nowMs + this.pauseMs;
  }
}
