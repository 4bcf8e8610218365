import type { Profile } from './profile.js';

/** What decides the limit of a key. */
export interface LimitedKey {
  scopes: readonly string[];
  /** Of its tenant; null where its product has no plans. */
  plan: string | null;
  /** What was set for this key alone, requests per minute. */
  override: number | null;
}

/** How many requests a key may make in any 60 seconds; null: as many as it likes. */
export function requestsPerMinuteOf({ rateLimit }: Profile, key: LimitedKey): number | null {
  if (key.override !== null) return key.override;
  if (rateLimit === null) return null;
  const limits = key.scopes
    .map((scope) => limitOfRow(rateLimit.rows, scope, key.plan))
    .filter((limit) => limit !== undefined);
  if (limits.length === 0) return limitOfRow(rateLimit.rows, null, key.plan) ?? fewest(rateLimit.rows);
  return rateLimit.ofSeveralScopes === 'most' ? Math.max(...limits) : Math.min(...limits);
}

/** The first row that names both, then any scope, then any plan, then anything. */
function limitOfRow(
  rows: readonly { scope: string | null; plan: string | null; requestsPerMinute: number }[],
  scope: string | null,
  plan: string | null,
): number | undefined {
  const fits = (given: string | null, of: string | null) => given === null || given === of;
  const specific = ({ scope: s, plan: p }: { scope: string | null; plan: string | null }) =>
    (s === null ? 0 : 2) + (p === null ? 0 : 1);
  return rows
    .filter((row) => fits(row.scope, scope) && fits(row.plan, plan))
    .toSorted((a, b) => specific(b) - specific(a))[0]?.requestsPerMinute;
}

/** For a key whose scopes or plan no row knows: it is not let off its limit. */
function fewest(rows: readonly { requestsPerMinute: number }[]): number {
  return Math.min(...rows.map(({ requestsPerMinute }) => requestsPerMinute));
}
