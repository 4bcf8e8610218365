import * as fc from 'fast-check';
import { quarterOf, usageWindow } from './usage-window.js';

const MINUTE_MS = 60 * 1000;
const DAYS_30_MS = 30 * 24 * 60 * MINUTE_MS;
const times = fc.integer({ min: Date.UTC(2020, 0), max: Date.UTC(2100, 0) });

describe('the window of usage', () => {
  it('begins with the quarter of an hour, UTC, in which the 30 days begin', () => {
    const { startMs, endMs } = usageWindow(Date.UTC(2026, 10, 22, 10, 7, 30));
    expect(new Date(startMs).toISOString()).toBe('2026-10-23T10:00:00.000Z');
    expect(new Date(endMs).toISOString()).toBe('2026-11-22T10:00:00.000Z');
  });

  it('holds every moment of the last 30 days and at most a quarter of an hour more', () => {
    fc.assert(
      fc.property(times, (nowMs) => {
        const { startMs } = usageWindow(nowMs);
        expect(nowMs - DAYS_30_MS - startMs).toBeGreaterThanOrEqual(0);
        expect(nowMs - DAYS_30_MS - startMs).toBeLessThan(15 * MINUTE_MS);
      }),
    );
  });

  it('moves by whole quarters, so that what was counted in one is wholly in or wholly out', () => {
    fc.assert(
      fc.property(times, (timeMs) => {
        expect(new Date(quarterOf(timeMs)).getUTCMinutes() % 15).toBe(0);
        expect(quarterOf(quarterOf(timeMs))).toBe(quarterOf(timeMs));
        expect(timeMs - quarterOf(timeMs)).toBeLessThan(15 * MINUTE_MS);
      }),
    );
  });
});
