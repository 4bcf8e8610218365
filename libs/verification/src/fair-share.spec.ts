import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { FairShare } from './fair-share.js';

function admittedOf(share: FairShare, caller: string, asks: number, nowMs: number): number {
  return Array.from({ length: asks }, () => share.admits(caller, nowMs)).filter(Boolean).length;
}

describe('a fair share', () => {
  it('is everything for who is alone', () => {
    const share = new FairShare(100);
    expect(admittedOf(share, 'a', 500, 0)).toBe(100);
    expect(admittedOf(share, 'a', 500, 999)).toBe(0);
    expect(admittedOf(share, 'a', 500, 1000)).toBe(100);
  });

  it('keeps the part of who came late in the second before, however greedy the other is', () => {
    const share = new FairShare(100);
    admittedOf(share, 'greedy', 500, 0);
    expect(admittedOf(share, 'modest', 10, 500)).toBe(0);
    expect(admittedOf(share, 'greedy', 500, 1000)).toBe(50);
    expect(admittedOf(share, 'modest', 10, 1900)).toBe(10);
  });

  it('gives the part of who went silent back a second later', () => {
    const share = new FairShare(100);
    share.admits('once', 0);
    expect(admittedOf(share, 'steady', 500, 1000)).toBe(50);
    expect(admittedOf(share, 'steady', 500, 2000)).toBe(100);
  });

  it('never admits more than the limit in one second, whoever asks and when', () => {
    const asks = fc.array(fc.record({ caller: fc.constantFrom('a', 'b', 'c'), pauseMs: fc.nat(300) }), {
      maxLength: 200,
    });
    fc.assert(
      fc.property(asks, fc.integer({ min: 1, max: 5 }), (all, limit) => {
        const share = new FairShare(limit);
        const perSecond = new Map<number, number>();
        let nowMs = 0;
        for (const { caller, pauseMs } of all) {
          nowMs += pauseMs;
          const second = Math.floor(nowMs / 1000);
          if (share.admits(caller, nowMs)) perSecond.set(second, (perSecond.get(second) ?? 0) + 1);
        }
        expect(Math.max(0, ...perSecond.values())).toBeLessThanOrEqual(limit);
      }),
    );
  });
});
