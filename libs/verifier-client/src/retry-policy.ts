import { Rejection } from '#libs/contracts';

/** Part of the calls that may be repeated in the long run. */
const RETRIES_PER_CALL = 0.1;
/** Retries that may be made at once after calm times, and at the start. */
const RETRIES_RESERVE = 10;
/** Wait before a retry where the verifier names none, and most that chance adds to any wait, milliseconds. */
const WAIT_MS = 50;
const JITTER_MS_MAX = 50;

/** Keeps retries from multiplying the load of a verifier that can't answer as it is. */
export class RetryBudget {
  private retries = RETRIES_RESERVE;

  /** A call was made that is no retry. */
  called(): void {
    this.retries = Math.min(RETRIES_RESERVE, this.retries + RETRIES_PER_CALL);
  }

  /** Takes one retry; false where none is left. */
  take(): boolean {
    if (this.retries < 1) return false;
    this.retries -= 1;
    return true;
  }
}

/**
 * Milliseconds to wait before the one retry of a failed call, no less than the verifier asked for; undefined where
 * it must not be repeated: the failure is not for want of a verdict, or the wait would take what is left of the deadline.
 */
export function retryWaitMs(failure: unknown, leftMs: number, chance: number): number | undefined {
  if (!(failure instanceof Rejection)) return undefined;
  if (failure.code !== 'UNAVAILABLE' && failure.code !== 'FENCE_LEASE_LAPSED') return undefined;
  const { retryAfterSeconds } = failure;
  const waitMs = retryAfterSeconds === undefined ? WAIT_MS : retryAfterSeconds * 1000;
  const jitteredMs = waitMs + chance * JITTER_MS_MAX;
  return jitteredMs < leftMs ? jitteredMs : undefined;
}
