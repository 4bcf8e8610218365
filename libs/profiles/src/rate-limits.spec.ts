import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readProfiles } from './file-profiles.js';
import type { Profile, RateLimitRule } from './profile.js';
import { requestsPerMinuteOf } from './rate-limits.js';

const [base] = readProfiles('deploy/profiles', ['default']).all as [Profile];
type Row = RateLimitRule['rows'][number];
const rule = (rows: Row[], ofSeveralScopes: 'most' | 'fewest' = 'most'): Profile => ({
  ...base,
  rateLimit: { per: 'key', ofSeveralScopes, xHeaders: false, rows },
});
const row = (scope: string | null, plan: string | null, requestsPerMinute: number): Row => ({
  scope,
  plan,
  requestsPerMinute,
});
const key = (scopes: string[], plan: string | null = null, override: number | null = null) => ({
  scopes,
  plan,
  override,
});

const ROWS = [row('read', 'pro', 1), row('read', null, 2), row(null, 'pro', 3), row(null, null, 4)];

describe('the limit of a key', () => {
  it.each([
    ['both its scope and its plan', ['read'], 'pro', 1],
    ['its scope, and any plan', ['read'], 'starter', 2],
    ['its plan, and any scope', ['write'], 'pro', 3],
    ['neither', ['write'], 'starter', 4],
    ['its plan, where it has no scope', [], 'pro', 3],
    ['neither, where it has no scope and no plan', [], null, 4],
  ])('is that of the row which names %s', (_, scopes, plan, limit) => {
    expect(requestsPerMinuteOf(rule(ROWS), key(scopes, plan))).toBe(limit);
  });

  it('does not depend on the order of the rows', () => {
    const rows = fc.shuffledSubarray(ROWS, { minLength: ROWS.length });
    fc.assert(
      fc.property(
        rows,
        fc.subarray(['read', 'write', 'other']),
        fc.constantFrom('pro', 'starter', null),
        (shuffled, scopes, plan) => {
          expect(requestsPerMinuteOf(rule(shuffled), key(scopes, plan))).toBe(
            requestsPerMinuteOf(rule(ROWS), key(scopes, plan)),
          );
        },
      ),
    );
  });

  it('of several scopes is the most or the fewest that one of them has alone', () => {
    const limits = fc.uniqueArray(
      fc.record({ scope: fc.constantFrom('a', 'b', 'c', 'd'), most: fc.integer({ min: 1, max: 9999 }) }),
      {
        selector: ({ scope }) => scope,
        minLength: 1,
      },
    );
    fc.assert(
      fc.property(limits, (drawn) => {
        const rows = drawn.map(({ scope, most }) => row(scope, null, most));
        const scopes = drawn.map(({ scope }) => scope);
        const alone = scopes.map((scope) => requestsPerMinuteOf(rule(rows), key([scope])) as number);
        expect(requestsPerMinuteOf(rule(rows, 'most'), key(scopes))).toBe(Math.max(...alone));
        expect(requestsPerMinuteOf(rule(rows, 'fewest'), key(scopes))).toBe(Math.min(...alone));
      }),
    );
  });

  it('is what was set for it alone, above and below its row, and where its product has none', () => {
    expect(requestsPerMinuteOf(rule(ROWS), key(['read'], 'pro', 9))).toBe(9);
    expect(requestsPerMinuteOf({ ...base, rateLimit: null }, key(['read'], null, 9))).toBe(9);
  });

  it('is none where its product has none', () => {
    expect(requestsPerMinuteOf({ ...base, rateLimit: null }, key(['read'], 'pro'))).toBeNull();
  });

  it('is the fewest of all rows where none fits: no key is let off', () => {
    expect(
      requestsPerMinuteOf(rule([row('read', 'pro', 5), row('write', 'pro', 3)]), key(['other'], null)),
    ).toBe(3);
  });
});
