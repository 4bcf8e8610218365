import { describe, expect, it } from '@jest/globals';
import { SuspendGuard } from './suspend-guard.js';

const start = { monotonicMs: 1000, wallMs: 1_800_000_000_000, bootMs: 50_000 };

/** The readings after these many milliseconds of each clock. */
function after(monotonicMs: number, wallMs: number, bootMs: number) {
  return {
    monotonicMs: start.monotonicMs + monotonicMs,
    wallMs: start.wallMs + wallMs,
    bootMs: start.bootMs + bootMs,
  };
}

describe('the suspend guard', () => {
  it('notices a machine that was suspended: both other clocks went on', () => {
    expect(new SuspendGuard(start).stoodStill(after(10, 60_010, 60_010))).toBe(true);
  });

  it('notices it by the boot clock alone, where the wall clock was set back meanwhile', () => {
    expect(new SuspendGuard(start).stoodStill(after(10, -5000, 60_010))).toBe(true);
  });

  it('notices it by the wall clock alone, where the boot clock is not read or stands still too', () => {
    const { monotonicMs, wallMs } = after(10, 60_010, 0);
    expect(new SuspendGuard(start).stoodStill({ monotonicMs, wallMs })).toBe(true);
    expect(new SuspendGuard(start).stoodStill(after(10, 60_010, 10))).toBe(true);
  });

  it('says nothing while the clocks agree to 100 ms and 1 %', () => {
    const guard = new SuspendGuard(start);
    expect(guard.stoodStill(after(0, 0, 0))).toBe(false);
    expect(guard.stoodStill(after(10_000, 10_200, 10_200))).toBe(false);
    expect(guard.stoodStill(after(10_000, 10_201, 10_000))).toBe(true);
    expect(guard.stoodStill(after(10_000, 10_000, 10_201))).toBe(true);
  });

  it('says nothing when a clock lags behind', () => {
    expect(new SuspendGuard(start).stoodStill(after(60_000, 0, 0))).toBe(false);
  });

  it('compares with the readings it was restarted with', () => {
    const guard = new SuspendGuard(start);
    guard.restart(after(10, 60_010, 60_010));
    expect(guard.stoodStill(after(20, 60_020, 60_020))).toBe(false);
    expect(guard.stoodStill(after(20, 120_000, 120_000))).toBe(true);
  });
});
