import type { Redis } from 'ioredis';
import { eventually } from '#libs/testing/eventually';
import type { LimiterUnderTest } from './rate-limiter.contract.js';
import { RedisRateLimiter } from './redis-rate-limiter.js';

/** Makes every list and its expiry so much older. */
const AGE = `
local micros = ARGV[1] * 1000
for _, key in ipairs(redis.call('KEYS', 'lk:l:*')) do
  local ttl = redis.call('PTTL', key) - ARGV[1]
  for index, time in ipairs(redis.call('LRANGE', key, 0, -1)) do
    redis.call('LSET', key, index - 1, string.format('%.0f', time - micros))
  end
  redis.call('PEXPIRE', key, string.format('%.0f', ttl))
end`;

/** A limiter on Redis, all of it or of a cluster, whose clock can't be set: instead what it keeps grows older. */
export async function openOnRedis(of: {
  url: string;
  cluster: boolean;
  /** Each of them alone, with all rights. */
  servers: readonly Redis[];
}): Promise<LimiterUnderTest> {
  const limiter = new RedisRateLimiter({
    url: of.url,
    cluster: of.cluster,
    tlsCaFile: '',
    onAway: () => undefined,
  });
  await eventually(() => limiter.check());
  let advancedMs = 0;
  return {
    limiter,
    async advance(ms) {
      advancedMs += ms;
      await Promise.all(of.servers.map((server) => server.eval(AGE, 0, ms)));
    },
    timeMicros: ({ decidedAtMicros }) => decidedAtMicros + advancedMs * 1000,
  };
}
