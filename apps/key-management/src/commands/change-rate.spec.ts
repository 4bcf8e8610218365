import { describe, expect, it } from '@jest/globals';
import { Rejection } from '#libs/contracts';
import { ChangeRate } from './change-rate.js';

function rateOf(perSecondMax: number) {
  let nowMs = 0;
  const rate = new ChangeRate(perSecondMax, () => nowMs);
  const isAdmitted = (tenantId: string) => {
    try {
      rate.admit(tenantId);
      return true;
    } catch (error) {
      expect(error).toBeInstanceOf(Rejection);
      expect((error as Rejection).retryAfterSeconds).toBeGreaterThanOrEqual(1);
      return false;
    }
  };
  return {
    admitted: (tenantId: string, times: number) =>
      Array.from({ length: times }, () => isAdmitted(tenantId)).filter(Boolean).length,
    pass: (ms: number) => {
      nowMs += ms;
    },
  };
}

describe('the rate of changes', () => {
  it('lets a tenant change what it did not use in two seconds at once, then its rate', () => {
    const { admitted, pass } = rateOf(50);
    expect(admitted('acme', 500)).toBe(100);
    pass(1000);
    expect(admitted('acme', 500)).toBe(50);
    pass(20);
    expect(admitted('acme', 500)).toBe(1);
  });

  it('saves no more than two seconds', () => {
    const { admitted, pass } = rateOf(50);
    admitted('acme', 100);
    pass(3_600_000);
    expect(admitted('acme', 500)).toBe(100);
  });

  it('leaves the other tenants what is theirs', () => {
    const { admitted } = rateOf(50);
    admitted('flooding', 10_000);
    expect(admitted('acme', 10)).toBe(10);
  });

  it('forgets tenants that are idle, and nobody who is not', () => {
    const { admitted, pass } = rateOf(50);
    for (let i = 0; i < 10_000; i += 1) admitted(`tenant-${i}`, 1);
    pass(10_000);
    admitted('flooding', 100);
    admitted('another', 1);
    expect(admitted('flooding', 1)).toBe(0);
  });
});
