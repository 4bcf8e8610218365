import { Counter, type Registry } from 'prom-client';
import type { Logger } from '#libs/service-kit';
import { DegradingRateLimiter } from './degrading-rate-limiter.js';
import { InMemoryRateLimiter } from './in-memory-rate-limiter.js';
import type { RateLimiter } from './rate-limiter.js';
import { RedisRateLimiter } from './redis-rate-limiter.js';

/** Keeps limits; told how many verifiers share them, for while it decides alone. */
export type RateLimiting = (liveVerifiers: () => number) => RateLimiter;

/** The limits of one process that nobody shares. */
export const ownRateLimits: RateLimiting = () => new InMemoryRateLimiter(() => performance.now());

/** Where the limits of all processes are kept. */
interface SharedLimits {
  /** Empty: nowhere. Each process then decides on its part of every limit. */
  redisUrl: string;
  redisTlsCaFile: string;
  redisCluster: boolean;
}

/**
 * The limits of a deployment at scale, in the Redis of its environment. While that is away each process decides alone
 * on its part of a limit.
 */
export function sharedRateLimits(
  { redisUrl: url, redisCluster: cluster, redisTlsCaFile: tlsCaFile }: SharedLimits,
  { logger, metrics }: { logger: Logger; metrics: Registry },
): RateLimiting {
  const degraded = new Counter({
    name: 'latchkey_rate_limit_degraded_total',
    help: 'Requests admitted or refused on this process’s part of a limit, because no shared one could be asked.',
    registers: [metrics],
  });
  return (liveVerifiers) =>
    new DegradingRateLimiter({
      // That it is away its decisions say, below.
      shared: url === '' ? null : new RedisRateLimiter({ url, cluster, tlsCaFile, onAway: () => undefined }),
      local: ownRateLimits(liveVerifiers),
      liveVerifiers,
      nowMs: () => performance.now(),
      onAway(err) {
        if (err === undefined) logger.info({ dependency: 'redis' }, 'rate limits are shared again');
        else logger.warn({ err, dependency: 'redis' }, 'rate limits are decided by this process alone');
      },
      onDegraded: (decisions) => degraded.inc(decisions),
    });
}
