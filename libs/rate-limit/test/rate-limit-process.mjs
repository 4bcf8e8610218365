/**
 * One process of several that share the budget of one subject, told by one JSON argument:
 * `{ url, subject, windowMs, limit, ms, logFile, limiter: 'exact' | 'by the clock', manner: 'greedy' | 'paced', part }`.
 * *greedy* asks without end about every second turn of the clock's windows, where a limiter that goes *by the clock*
 * takes one burst for two. *paced* keeps to `part` admissions in any window, as tightly as it can. What was decided
 * goes to the log file: `[[atMicros, admitted], …]`.
 */
import { writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { RedisRateLimiter } from '#libs/rate-limit/redis-rate-limiter';
import { eventually } from '#libs/testing/eventually';

const { url, subject, windowMs, limit, ms, logFile, limiter, manner, part } = JSON.parse(process.argv[2]);
const IN_FLIGHT = 4;
const PAUSE_MS = 1;
const decided = [];

async function exact() {
  const rateLimiter = new RedisRateLimiter({
    url,
    cluster: false,
    tlsCaFile: '',
    windowMs,
    onAway: () => undefined,
  });
  await eventually(() => rateLimiter.check(), { everyMs: PAUSE_MS });
  return async () => {
    const [{ admitted, decidedAtMicros }] = await rateLimiter.consume([{ subject, limit, cost: 1 }]);
    return [decidedAtMicros, admitted];
  };
}

/** What the check of the log must find out. */
async function byTheClock() {
  const redis = new Redis(url);
  redis.defineCommand('consume', {
    numberOfKeys: 1,
    lua: `
      local time = redis.call('TIME')
      local now = time[1] * 1000000 + time[2]
      local window = math.floor(now / ${windowMs * 1000})
      local held = tonumber(redis.call('HGET', KEYS[1], window) or 0)
      if held >= ${limit} then return {now, 0} end
      redis.call('HSET', KEYS[1], window, held + 1)
      return {now, 1}`,
  });
  return async () => {
    const [atMicros, admitted] = await redis.consume(subject);
    return [atMicros, admitted === 1];
  };
}

async function greedy(consume, endMs) {
  while (Date.now() < endMs) {
    const phase = (Date.now() / windowMs) % 2;
    if (phase > 0.5 && phase < 1.5) decided.push(await consume());
    await delay(PAUSE_MS);
  }
}

async function paced(consume, endMs) {
  while (Date.now() < endMs) {
    const earliestMs = (decided.at(-part)?.[0] ?? 0) / 1000 + windowMs;
    while (Date.now() < earliestMs) await delay(PAUSE_MS);
    decided.push(await consume());
  }
}

const consume = await (limiter === 'exact' ? exact() : byTheClock());
const endMs = Date.now() + ms;
const clients = manner === 'greedy' ? Array.from({ length: IN_FLIGHT }, () => greedy) : [paced];
await Promise.all(clients.map((client) => client(consume, endMs)));
writeFileSync(logFile, JSON.stringify(decided));
process.exit(0);
