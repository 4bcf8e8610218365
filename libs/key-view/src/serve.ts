import type { Logger } from '#libs/service-kit';
import { RedisKeyView } from './redis-key-view.js';

/** The view of a deployment at scale, as its environment describes it. */
export function redisKeyView(
  config: { redisUrl: string; redisTlsCaFile: string; redisCluster: boolean },
  logger: Logger,
): RedisKeyView {
  return new RedisKeyView({
    url: config.redisUrl,
    cluster: config.redisCluster,
    tlsCaFile: config.redisTlsCaFile,
    onAway(err) {
      if (err === undefined) logger.info({ dependency: 'redis' }, 'Redis is back');
      else logger.warn({ err, dependency: 'redis' }, 'Redis is away, reconnecting');
    },
  });
}
