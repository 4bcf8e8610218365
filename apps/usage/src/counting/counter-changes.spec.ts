import * as fc from 'fast-check';
import { isCounted, OUTCOMES, type RequestEvent } from '#libs/contracts';
import { usageWindow } from '../querying/usage-window.js';
import { counterChanges } from './counter-changes.js';
import { isUse, namesLiveKey } from './request-batch.js';

const DAY_MS = 24 * 60 * 60 * 1000;
const NOW_MS = Date.UTC(2026, 10, 22, 10, 7);

const events = fc.array(
  fc.record({
    requestId: fc.uuid(),
    tenantId: fc.constantFrom('acme', 'beta'),
    keyId: fc.constantFrom('key_1', 'key_2', 'key_3'),
    environment: fc.constant('live' as const),
    outcome: fc.constantFrom(...OUTCOMES.filter(isCounted)),
    status: fc.option(fc.constantFrom(200, 403, 500)),
    route: fc.constant('/'),
    method: fc.constant('GET'),
    caller: fc.constant('api'),
    occurredAtMs: fc.integer({ min: NOW_MS - 40 * DAY_MS, max: NOW_MS }),
    reported: fc.boolean(),
  }) satisfies fc.Arbitrary<RequestEvent>,
);

describe('what events change', () => {
  it('sums up in any window to the events that occurred in it', () => {
    fc.assert(
      fc.property(events, fc.integer({ min: NOW_MS - 5 * DAY_MS, max: NOW_MS }), (all, nowMs) => {
        const { startMs, endMs } = usageWindow(nowMs);
        const quarterEndMs = endMs + 15 * 60 * 1000;
        for (const keyId of ['key_1', 'key_2', 'key_3']) {
          const counted = counterChanges(all)
            .counts.filter((row) => row.keyId === keyId && row.quarterMs >= startMs && row.quarterMs <= endMs)
            .reduce((sum, { count }) => sum + count, 0);
          const occurred = all.filter(
            (event) =>
              event.keyId === keyId && event.occurredAtMs >= startMs && event.occurredAtMs < quarterEndMs,
          );
          expect(counted).toBe(occurred.length);
        }
      }),
    );
  });

  it('has the latest times of each key', () => {
    fc.assert(
      fc.property(events, (all) => {
        for (const row of counterChanges(all).activity) {
          const own = all.filter(({ tenantId, keyId }) => tenantId === row.tenantId && keyId === row.keyId);
          const latest = (some: RequestEvent[]) =>
            some.length === 0 ? null : Math.max(...some.map(({ occurredAtMs }) => occurredAtMs));
          expect(row.lastUsedAtMs).toBe(latest(own.filter(isUse)));
          expect(row.lastAuthenticatedAtMs).toBe(latest(own.filter(namesLiveKey)));
        }
      }),
    );
  });

  it('has one row for each counter, in an order that does not depend on that of the events', () => {
    fc.assert(
      fc.property(events, (all) => {
        const changes = counterChanges(all);
        expect(counterChanges(all.toReversed())).toEqual(changes);
        const names = changes.counts.map((row) =>
          [row.tenantId, row.keyId, row.quarterMs, row.outcome].join(),
        );
        expect(new Set(names).size).toBe(names.length);
      }),
    );
  });
});
