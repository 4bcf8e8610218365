import type { Cluster, Redis } from 'ioredis';
import { RedisConnection, type RedisConnectionOptions } from '#libs/service-kit/redis-connection';
import { type Admission, type Demand, RateLimiter, requireDemands, WINDOW_MS } from './rate-limiter.js';
import { admissionOf } from './sliding-window.js';

export interface RedisRateLimiterOptions extends RedisConnectionOptions {
  /** Default 60 s; all that share a Redis must agree. */
  windowMs?: number;
}

/**
 * The budgets of all processes in Redis or Redis Cluster: for each subject one list of admission times, `lk:l:{subject}`
 * without the braces, some 10 bytes an admission, that only a script over this one key writes and that expires when it
 * is empty. Time is Redis's own. While Redis is away everything rejects at once.
 *
 * The client repeats a command that it lost a Cluster's node with: what was admitted then may count twice, never be let
 * in twice.
 */
export class RedisRateLimiter extends RateLimiter {
  private readonly connection: RedisConnection;

  constructor({ windowMs = WINDOW_MS, ...connection }: RedisRateLimiterOptions) {
    super();
    this.connection = new RedisConnection({ ...connection, name: 'latchkey-rate-limit' });
    this.connection.client.defineCommand('consumeLimit', { lua: consumeScript(windowMs), numberOfKeys: 1 });
  }

  async consume(demands: readonly Demand[]): Promise<Admission[]> {
    requireDemands(demands);
    const client = this.connection.requireReady() as Client;
    return Promise.all(
      demands.map(async (demand) => {
        const reply = await client.consumeLimit(`lk:l:${demand.subject}`, demand.limit, demand.cost);
        const [held, waitMicros, freeMicros, decidedAtMicros] = reply;
        const wait = waitMicros === NEVER ? Infinity : waitMicros;
        return admissionOf(demand, { held, waitMicros: wait, freeMicros, decidedAtMicros });
      }),
    );
  }

  async check(): Promise<void> {
    await this.connection.requireReady().exists('lk:l:');
  }

  async close(): Promise<void> {
    await this.connection.close();
  }
}

type Client = (Redis | Cluster) & {
  /** The window's decision, in microseconds: held, wait or {@link NEVER}, until free, decided at. */
  consumeLimit(key: string, limit: number, cost: number): Promise<[number, number, number, number]>;
};

const NEVER = -1;

/** `SlidingWindow` in Lua. */
function consumeScript(windowMs: number): string {
  return `
local key, call = KEYS[1], redis.call
local limit, cost, window = tonumber(ARGV[1]), tonumber(ARGV[2]), ${windowMs * 1000}
local time = call('TIME')
local clock = time[1] * 1000000 + time[2]
local now, last, held = clock, 0, call('LLEN', key)
if held > 0 then
  last = tonumber(call('LINDEX', key, -1))
  if last - clock >= window then
    call('DEL', key)
    last, held = 0, 0
  end
  if last > now then now = last end
  while held > 0 and tonumber(call('LINDEX', key, 0)) <= now - window do
    call('LPOP', key)
    held = held - 1
  end
end
if held + cost > limit then
  local wait, free = ${NEVER}, 0
  if cost <= limit then wait = call('LINDEX', key, held + cost - limit - 1) + window - clock end
  if held > 0 then free = last + window - clock end
  return {held, wait, free, now}
end
local entry = string.format('%.0f', now)
for _ = 1, cost do call('RPUSH', key, entry) end
call('PEXPIREAT', key, string.format('%.0f', (now + window) / 1000 + ${EXPIRY_SLACK_MS}))
return {held + cost, 0, now + window - clock, now}`;
}

const EXPIRY_SLACK_MS = 1000;
