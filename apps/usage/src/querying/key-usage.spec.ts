import { keyUsageOf } from './key-usage.js';

const window = { startMs: Date.UTC(2026, 9, 23, 10), endMs: Date.UTC(2026, 10, 22, 10) };
const stored = { keyId: 'key_1', known: true, createdAt: null, lastUsedAt: null, lastAuthenticatedAt: null };

describe('the usage of a key', () => {
  it('calls VALID, INSUFFICIENT_SCOPE and RATE_LIMITED requests, and every other verdict refused', () => {
    const counts = {
      VALID: 1,
      INSUFFICIENT_SCOPE: 10,
      RATE_LIMITED: 100,
      REVOKED: 1000,
      SECRET_RETIRED: 10_000,
      EXPIRED: 100_000,
      TENANT_SUSPENDED: 1_000_000,
    };
    const usage = keyUsageOf({ ...stored, counts }, window);
    expect(usage).toMatchObject({ requests30d: 111, refused30d: 1_111_000, byOutcome: counts });
    expect(usage.windowStart.toISOString()).toBe('2026-10-23T10:00:00.000Z');
  });

  it('has a zero for every verdict that did not occur', () => {
    const usage = keyUsageOf({ ...stored, counts: { VALID: 2 } }, window);
    expect(Object.keys(usage.byOutcome)).toHaveLength(7);
    expect(Object.values(usage.byOutcome).reduce((sum, count) => sum + count, 0)).toBe(2);
  });
});
