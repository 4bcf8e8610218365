import { describe, expect, it } from '@jest/globals';
import { InMemoryRateLimiter } from './in-memory-rate-limiter.js';
import { onFakeClock } from './in-memory-limiter.contract.js';
import { rateLimiterContract } from './rate-limiter.contract.js';
import { WINDOW_MS } from './rate-limiter.js';

describe('InMemoryRateLimiter', () => {
  rateLimiterContract(async () => onFakeClock((nowMs) => new InMemoryRateLimiter(nowMs)));

  it('takes the window as half open: an admission counts until just before it is a window old', async () => {
    const { limiter, advance } = onFakeClock((nowMs) => new InMemoryRateLimiter(nowMs));
    const demand = { subject: 'a', limit: 1, cost: 1 };
    expect((await limiter.consume([demand, demand])).map(({ retryAfterMs }) => retryAfterMs)).toEqual([
      0,
      WINDOW_MS,
    ]);
    await advance(WINDOW_MS - 1);
    expect(await limiter.consume([demand])).toMatchObject([{ admitted: false, retryAfterMs: 1, resetMs: 1 }]);
    await advance(1);
    expect(await limiter.consume([demand])).toMatchObject([{ admitted: true }]);
  });

  it('forgets a subject when all that it was admitted has left the window', async () => {
    let nowMs = 0;
    const limiter = new InMemoryRateLimiter(() => nowMs);
    for (let subject = 0; subject < 1000; subject += 1) {
      nowMs += 1;
      await limiter.consume([{ subject: `s${subject}`, limit: 2, cost: 1 }]);
    }
    nowMs = WINDOW_MS;
    await limiter.consume([{ subject: 's0', limit: 2, cost: 1 }]);
    expect(limiter.size).toBe(1000);
    nowMs = WINDOW_MS + 1000;
    await limiter.consume([{ subject: 'other', limit: 2, cost: 3 }]);
    expect(limiter.size).toBe(1);
    nowMs = 2 * WINDOW_MS;
    await limiter.consume([]);
    expect(limiter.size).toBe(0);
  });
});
