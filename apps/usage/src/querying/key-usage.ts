import { type CountedOutcome, isAuthenticated, isCounted, OUTCOMES } from '#libs/contracts';
import type { StoredUsage } from './usage-reads.js';
import type { UsageWindow } from './usage-window.js';

/** How much a key was used, as it is told. */
export interface KeyUsageFigures extends Omit<StoredUsage, 'counts' | 'known'> {
  /** Authenticated requests of the window. */
  requests30d: number;
  /** Refused requests of the window. */
  refused30d: number;
  /** Requests of the window by verdict: every verdict that is counted, with 0 where there was none. */
  byOutcome: Record<CountedOutcome, number>;
  windowStart: Date;
}

const COUNTED_OUTCOMES = OUTCOMES.filter(isCounted);

export function keyUsageOf(stored: StoredUsage, { startMs }: UsageWindow): KeyUsageFigures {
  const { keyId, createdAt, lastUsedAt, lastAuthenticatedAt, counts } = stored;
  const byOutcome = zeros();
  for (const outcome of COUNTED_OUTCOMES) byOutcome[outcome] = counts[outcome] ?? 0;
  const sum = (outcomes: readonly CountedOutcome[]) =>
    outcomes.reduce((total, outcome) => total + byOutcome[outcome], 0);
  return {
    keyId,
    createdAt,
    lastUsedAt,
    lastAuthenticatedAt,
    requests30d: sum(COUNTED_OUTCOMES.filter((outcome) => isAuthenticated(outcome))),
    refused30d: sum(COUNTED_OUTCOMES.filter((outcome) => !isAuthenticated(outcome))),
    byOutcome,
    windowStart: new Date(startMs),
  };
}

function zeros(): Record<CountedOutcome, number> {
  return {
    REVOKED: 0,
    SECRET_RETIRED: 0,
    EXPIRED: 0,
    TENANT_SUSPENDED: 0,
    INSUFFICIENT_SCOPE: 0,
    RATE_LIMITED: 0,
    VALID: 0,
  };
}
