import fc from 'fast-check';
import { CLOCK_RATE_ERROR, CLOCK_RESOLUTION_MS, freshMs, outlivesMs, servingMs } from './fence-terms.js';

const terms = fc.record({
  leaseMs: fc.integer({ min: 100, max: 3_600_000 }),
  serveStaleMs: fc.nat(86_400_000),
});
const rate = fc.double({ min: 1 - CLOCK_RATE_ERROR, max: 1 + CLOCK_RATE_ERROR, noNaN: true });

it('is over by any clock that waits before it is by the clock that serves, whatever their rates', () => {
  fc.assert(
    fc.property(terms, rate, rate, (given, ofVerifier, ofAuthority) => {
      const servedMs = servingMs(given) / ofVerifier;
      const waitedMs = outlivesMs(given) / ofAuthority;
      expect(servedMs).toBeLessThan(given.leaseMs + given.serveStaleMs);
      expect(waitedMs).toBeGreaterThan(given.leaseMs + given.serveStaleMs);
    }),
  );
});

it('is within the lease itself no longer than it serves at all', () => {
  fc.assert(fc.property(terms, (given) => expect(freshMs(given)).toBeLessThanOrEqual(servingMs(given))));
});

it('is the numbers that the guarantee states', () => {
  const given = { leaseMs: 10_000, serveStaleMs: 0 };
  expect([CLOCK_RATE_ERROR, CLOCK_RESOLUTION_MS]).toEqual([0.01, 5]);
  expect([servingMs(given), freshMs(given), outlivesMs(given)]).toEqual([9795, 9795, 10_205]);
});
