import { Cluster, type Redis } from 'ioredis';
import { coalesced } from '#libs/service-kit/coalesced';
import { RedisConnection, type RedisConnectionOptions } from '#libs/service-kit/redis-connection';
import { type Admission, type Demand, RateLimiter, requireDemands, WINDOW_MS } from './rate-limiter.js';
import { admissionOf } from './sliding-window.js';

export interface RedisRateLimiterOptions extends RedisConnectionOptions {
  /** Default 60 s; all that share a Redis must agree. */
  windowMs?: number;
}

/**
 * The budgets of all processes in Redis or Redis Cluster: for each subject one list of admission times, `lk:l:<subject>`,
 * some 10 bytes an admission, that expires when it is empty. Time is Redis's own. One script decides over the keys of
 * all who ask in the same turn; in a Cluster each call is about one key, so that no two ever need the same node.
 *
 * While Redis is away everything rejects at once. A node that is lost while it answers is asked again: what it had
 * admitted may count twice, and is never let in twice.
 */
export class RedisRateLimiter extends RateLimiter {
  private readonly connection: RedisConnection;
  private readonly decide: (demands: readonly Demand[]) => Promise<Admission[]>;

  constructor({ windowMs = WINDOW_MS, ...options }: RedisRateLimiterOptions) {
    super();
    // Demands are gathered here already; of a Cluster the driver knows which of them go to the same node.
    const notPipelined = options.cluster ? [] : ['consumeMany'];
    this.connection = new RedisConnection({ ...options, name: 'latchkey-rate-limit', notPipelined });
    const client = this.connection.client as Client;
    const lua = consumeScript(windowMs);
    client.defineCommand('consumeOne', { lua, numberOfKeys: 1 });
    client.defineCommand('consumeMany', { lua });
    this.decide =
      client instanceof Cluster
        ? (demands) => Promise.all(demands.map((demand) => consumeOne(client, demand)))
        : coalesced((demands: Demand[]) => consumeMany(client, demands), DEMANDS_PER_SCRIPT_MAX);
  }

  async consume(demands: readonly Demand[]): Promise<Admission[]> {
    requireDemands(demands);
    this.connection.requireReady();
    if (demands.length <= DEMANDS_PER_SCRIPT_MAX) return this.decide(demands);
    const parts: Promise<Admission[]>[] = [];
    for (let from = 0; from < demands.length; from += DEMANDS_PER_SCRIPT_MAX) {
      parts.push(this.decide(demands.slice(from, from + DEMANDS_PER_SCRIPT_MAX)));
    }
    return (await Promise.all(parts)).flat();
  }

  async check(): Promise<void> {
    await this.connection.requireReady().exists('lk:l:');
  }

  async close(): Promise<void> {
    await this.connection.close();
  }
}

/** Redis does nothing else while a script runs: about a millisecond for so many. */
const DEMANDS_PER_SCRIPT_MAX = 100;
const NEVER = -1;
const EXPIRY_SLACK_MS = 1000;

/** Of each demand four numbers in a row: held, microseconds to wait or {@link NEVER}, until it is free, and the time. */
type Decisions = number[];
type Client = (Redis | Cluster) & {
  consumeOne(key: string, limit: number, cost: number): Promise<Decisions>;
  consumeMany(count: number, keys: string[], limitsAndCosts: number[]): Promise<Decisions>;
};

async function consumeOne(client: Client, demand: Demand): Promise<Admission> {
  return admissionIn(await client.consumeOne(keyOf(demand), demand.limit, demand.cost), demand, 0);
}

async function consumeMany(client: Client, demands: readonly Demand[]): Promise<Admission[]> {
  const limitsAndCosts = demands.flatMap(({ limit, cost }) => [limit, cost]);
  const decisions = await client.consumeMany(demands.length, demands.map(keyOf), limitsAndCosts);
  return demands.map((demand, index) => admissionIn(decisions, demand, index));
}

function admissionIn(decisions: Decisions, demand: Demand, index: number): Admission {
  const [held, wait, freeMicros, decidedAtMicros] = decisions.slice(4 * index, 4 * index + 4) as [
    number,
    number,
    number,
    number,
  ];
  const waitMicros = wait === NEVER ? Infinity : wait;
  return admissionOf(demand, { held, waitMicros, freeMicros, decidedAtMicros });
}

function keyOf({ subject }: Demand): string {
  return `lk:l:${subject}`;
}

/**
 * `SlidingWindow` in Lua, for each key with its limit and cost. A value that is no such list, and a last time that is
 * none, count as lost: one key must not keep the others from being decided. Redis writes numbers below 2^53 out whole. What
 * left the window is searched for by doubling, then by halving (exponential search), and cut off at once: however many
 * there are, Redis is not kept from others.
 */
function consumeScript(windowMs: number): string {
  return `
local call, window = redis.call, ${windowMs * 1000}
local time = call('TIME')
local clock = time[1] * 1000000 + time[2]
local decisions = {}
for index, key in ipairs(KEYS) do
  local limit, cost = tonumber(ARGV[2 * index - 1]), tonumber(ARGV[2 * index])
  local now, last, held = clock, 0, redis.pcall('LLEN', key)
  if held ~= 0 then
    last = type(held) == 'number' and tonumber(call('LINDEX', key, -1)) or math.huge
    if last - clock >= window then
      call('DEL', key)
      last, held = 0, 0
    end
    if last > now then now = last end
    local expired, live = 0, held
    while expired < live do
      local at = live == held and math.min(2 * expired, held - 1) or math.floor((expired + live) / 2)
      if (tonumber(call('LINDEX', key, at)) or 0) > now - window then live = at else expired = at + 1 end
    end
    if expired > 0 then call('LTRIM', key, expired, -1) end
    held = held - expired
  end
  local wait, free = 0, now + window - clock
  if held + cost <= limit then
    for _ = 1, cost do call('RPUSH', key, now) end
    call('PEXPIREAT', key, math.ceil((now + window) / 1000) + ${EXPIRY_SLACK_MS})
    held = held + cost
  else
    wait, free = ${NEVER}, 0
    if cost <= limit then wait = call('LINDEX', key, held + cost - limit - 1) + window - clock end
    if held > 0 then free = last + window - clock end
  end
  local at = 4 * index
  decisions[at - 3], decisions[at - 2], decisions[at - 1], decisions[at] = held, wait, free, now
end
return decisions`;
}
