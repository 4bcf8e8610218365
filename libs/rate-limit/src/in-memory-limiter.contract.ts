import type { LimiterUnderTest } from './rate-limiter.contract.js';
import type { RateLimiter } from './rate-limiter.js';

/** A limiter of this process on a clock that stands still but for `advance`. */
export function onFakeClock(make: (nowMs: () => number) => RateLimiter): LimiterUnderTest {
  let nowMs = 1_700_000_000_000.25;
  return {
    limiter: make(() => nowMs),
    async advance(ms) {
      nowMs += ms;
    },
    timeMicros: ({ decidedAtMicros }) => decidedAtMicros,
  };
}
