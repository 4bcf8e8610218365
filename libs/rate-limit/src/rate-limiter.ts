/** How long an admission counts. */
export const WINDOW_MS = 60_000;

/** What one request asks of a budget. */
export interface Demand {
  /** Whose budget it is. */
  subject: string;
  /** Admissions in any window, at least 1; it may differ from one demand to the next. */
  limit: number;
  /** How many admissions this one takes, at least 1. */
  cost: number;
}

/** The answer to a {@link Demand}. */
export interface Admission {
  admitted: boolean;
  /** As demanded. */
  limit: number;
  /** What is left of the limit after this one, at least 0. */
  remaining: number;
  /** Milliseconds until this very demand is admitted if nothing else is: 0 where it was, Infinity for a cost above the limit. */
  retryAfterMs: number;
  /** Milliseconds until the whole budget is free again if nothing more comes. */
  resetMs: number;
  /** Decided by this process alone on its share of the limit, since the shared state is away. */
  degraded: boolean;
  /** When it was decided, microseconds of the clock of where the budget is kept; never goes back for one subject. */
  decidedAtMicros: number;
}

/**
 * Budgets of admissions per window, exactly: no half-open window [t, t + 60 s) of arrivals where the budget is kept
 * holds more admissions than the limit, and a client that keeps to the limit is never refused. A lowered limit is
 * compared with all that was admitted in the window, a raised one too. A refused demand consumes nothing, and a cost
 * above the limit is never admitted. Where the state is lost, as many admissions as the limit may follow once more.
 */
export abstract class RateLimiter {
  /**
   * Answers in the order of `demands`, in one round trip; demands on one subject are decided one after the other.
   * Limits and costs are whole numbers from 1, else it rejects with a RangeError and nothing is consumed. Rejects when
   * the state can't be reached; what was consumed then is not known.
   */
  abstract consume(demands: readonly Demand[]): Promise<Admission[]>;

  /** One real request; rejects while the state can't be reached. */
  abstract check(): Promise<void>;

  abstract close(): Promise<void>;
}

/** Throws a RangeError for the first demand that no limiter answers. */
export function requireDemands(demands: readonly Demand[]): void {
  for (const { limit, cost } of demands) {
    if (!isWholeFromOne(limit)) throw new RangeError(`not a limit, a whole number from 1: ${limit}`);
    if (!isWholeFromOne(cost)) throw new RangeError(`not a cost, a whole number from 1: ${cost}`);
  }
}

function isWholeFromOne(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 1;
}
