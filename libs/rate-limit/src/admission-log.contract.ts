import { WINDOW_MS } from './rate-limiter.js';

/** One decision on one subject, as who asked for it saw it. */
export interface LoggedDecision {
  atMicros: number;
  limit: number;
  cost: number;
  admitted: boolean;
}

/**
 * What a log of decisions on one subject, in their order, has against the definition of the limit. Of all half-open
 * windows those that end with an admission hold the most, so it is enough to look at these: by brute force, and with
 * the limit that this admission was asked under.
 */
export function decisionProblems(log: readonly LoggedDecision[], windowMs = WINDOW_MS): string[] {
  const admissions: LoggedDecision[] = [];
  const problems: string[] = [];
  let lastMicros = -Infinity;
  for (const decision of log) {
    const { atMicros, limit, cost, admitted } = decision;
    if (atMicros < lastMicros) problems.push(`time went back to ${atMicros}`);
    lastMicros = atMicros;
    const sum = costBetween(admissions, atMicros - windowMs * 1000, atMicros) + cost;
    if (admitted && sum > limit)
      problems.push(`${sum} of ${limit} admitted in the window that ends at ${atMicros}`);
    if (!admitted && sum <= limit) problems.push(`refused at ${atMicros}, where ${sum} of ${limit} would be`);
    if (admitted) admissions.push(decision);
  }
  return problems;
}

/** Of admissions in the order of their times, those after `from` and not after `to`. */
function costBetween(admissions: readonly LoggedDecision[], from: number, to: number): number {
  let sum = 0;
  for (let index = admissions.length - 1; index >= 0; index -= 1) {
    const { atMicros, cost } = admissions[index] as LoggedDecision;
    if (atMicros <= from) break;
    if (atMicros <= to) sum += cost;
  }
  return sum;
}
