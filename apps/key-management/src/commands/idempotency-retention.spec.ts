import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { createLogger } from '#libs/service-kit';
import { IdempotencyRetention } from './idempotency-retention.js';

const MINUTE_MS = 60_000;

describe('forgetting idempotency records', () => {
  /** What each step forgets; an error is thrown. */
  let steps: (number | Error)[];
  let asked: number[];
  let retention: IdempotencyRetention;

  beforeEach(() => {
    jest.useFakeTimers();
    steps = [];
    asked = [];
    const forgetIdempotencyRecords = async (limit: number) => {
      asked.push(limit);
      const step = steps.shift() ?? 0;
      if (step instanceof Error) throw step;
      return step;
    };
    retention = new IdempotencyRetention({ forgetIdempotencyRecords }, createLogger('test', 'silent'));
    retention.start();
  });

  afterEach(async () => {
    await retention.close();
    jest.useRealTimers();
  });

  it('goes on in small steps until nothing old is left, every minute', async () => {
    steps = [1000, 1000, 5];
    await jest.advanceTimersByTimeAsync(MINUTE_MS);
    expect(asked).toEqual([1000, 1000, 1000]);
    await jest.advanceTimersByTimeAsync(MINUTE_MS);
    expect(asked).toHaveLength(4);
  });

  it('tries again after a failure', async () => {
    steps = [new Error('away'), 5];
    await jest.advanceTimersByTimeAsync(2 * MINUTE_MS);
    expect(asked).toHaveLength(2);
  });

  it('ends with the step in hand when it is closed', async () => {
    steps = Array.from({ length: 100 }, () => 1000);
    jest.advanceTimersByTime(MINUTE_MS);
    await Promise.resolve();
    await retention.close();
    expect(asked.length).toBeLessThan(100);
    const before = asked.length;
    await jest.advanceTimersByTimeAsync(10 * MINUTE_MS);
    expect(asked).toHaveLength(before);
  });
});
