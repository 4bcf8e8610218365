import { describe, expect, it } from '@jest/globals';
import { Rejection } from '#libs/contracts';
import { RetryBudget, retryWaitMs } from './retry-policy.js';

describe('the budget of retries', () => {
  it('allows a small reserve and then one retry for ten calls', () => {
    const budget = new RetryBudget();
    let retries = 0;
    for (let call = 0; call < 1000; call += 1) {
      budget.called();
      if (budget.take()) retries += 1;
    }
    expect(retries).toBeGreaterThanOrEqual(100);
    expect(retries).toBeLessThanOrEqual(111);
  });

  it('saves no more than its reserve in calm times', () => {
    const budget = new RetryBudget();
    for (let call = 0; call < 1000; call += 1) budget.called();
    expect(Array.from({ length: 20 }, () => budget.take()).filter(Boolean)).toHaveLength(10);
  });
});

describe('the wait before a retry', () => {
  it.each(['UNAVAILABLE', 'FENCE_LEASE_LAPSED'] as const)('is no less than %s asks for', (code) => {
    const failure = new Rejection(code, [], 1);
    expect(retryWaitMs(failure, 5000, 0)).toBe(1000);
    expect(retryWaitMs(failure, 5000, 0.5)).toBeGreaterThan(1000);
  });

  it('is short where the verifier names none', () => {
    expect(retryWaitMs(new Rejection('UNAVAILABLE'), 5000, 0)).toBe(50);
  });

  it('never outlasts the deadline of the call', () => {
    expect(retryWaitMs(new Rejection('UNAVAILABLE', [], 1), 1000, 0)).toBeUndefined();
  });

  it.each([new Rejection('INVALID_REQUEST'), new Rejection('RATE_LIMITED', [], 1), new Error('fault')])(
    'is for want of a verdict alone: %s',
    (failure) => {
      expect(retryWaitMs(failure, 5000, 0)).toBeUndefined();
    },
  );
});
