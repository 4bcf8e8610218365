/**
 * The answers of a verification, in order of precedence: the first that applies is given.
 * On the wire they are the enum `latchkey.v1.Verdict`; in events, metrics and JSON these names.
 */
export const OUTCOMES = [
  'MALFORMED',
  'NOT_FOUND',
  'REVOKED',
  'SECRET_RETIRED',
  'EXPIRED',
  'TENANT_SUSPENDED',
  'INSUFFICIENT_SCOPE',
  'RATE_LIMITED',
  'VALID',
] as const;

export type Outcome = (typeof OUTCOMES)[number];

/** Outcomes that name no key, and therefore count for none. */
const UNATTRIBUTABLE = ['MALFORMED', 'NOT_FOUND'] as const satisfies readonly Outcome[];

/** An outcome that names a key, and is counted for it. */
export type CountedOutcome = Exclude<Outcome, (typeof UNATTRIBUTABLE)[number]>;

/** Outcomes of requests that were authenticated: they make up `requests30d`; the other counted ones `refused30d`. */
export const AUTHENTICATED_OUTCOMES = [
  'INSUFFICIENT_SCOPE',
  'RATE_LIMITED',
  'VALID',
] as const satisfies readonly CountedOutcome[];

export function isCounted(outcome: Outcome): outcome is CountedOutcome {
  return !(UNATTRIBUTABLE as readonly Outcome[]).includes(outcome);
}

export function isAuthenticated(outcome: Outcome): boolean {
  return (AUTHENTICATED_OUTCOMES as readonly Outcome[]).includes(outcome);
}
