import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { eventually } from '#libs/testing/eventually';
import { type PrivateStack, startPrivateStack } from '#libs/testing/private-stack';
import { type RedisCluster, startRedisCluster } from '#libs/testing/redis-cluster';
import { rateLimiterContract } from './rate-limiter.contract.js';
import { type Admission, WINDOW_MS } from './rate-limiter.js';
import { openOnRedis } from './redis-limiter.contract.js';
import { RedisRateLimiter } from './redis-rate-limiter.js';

const WINDOW_MICROS = WINDOW_MS * 1000;
const demand = { subject: 'a', limit: 3, cost: 1 };

describe('RedisRateLimiter on one Redis', () => {
  let stack: PrivateStack;
  let url: string;
  let raw: Redis;
  let limiter: RedisRateLimiter;
  const states: string[] = [];

  beforeAll(async () => {
    stack = await startPrivateStack(['redis']);
    url = stack.env.REDIS_URL as string;
    raw = new Redis(url);
    raw.on('error', () => undefined);
    limiter = new RedisRateLimiter({
      url,
      cluster: false,
      tlsCaFile: '',
      onAway: (error) => states.push(error === undefined ? 'back' : 'away'),
    });
    await eventually(() => limiter.check());
  }, 60_000);
  beforeEach(() => raw.flushall());
  afterAll(async () => {
    await limiter.close();
    raw.disconnect();
    await stack.stop();
  }, 60_000);

  rateLimiterContract(() => openOnRedis({ url, cluster: false, servers: [raw] }));

  it('takes the window as half open: an admission counts until just before it is a window old', async () => {
    // Redis's clock does not stand still, but the time of a last admission ahead of it does.
    const last = (await microsOf(raw)) + WINDOW_MICROS / 2;
    await raw.rpush('lk:l:just gone', last - WINDOW_MICROS, last);
    await raw.rpush('lk:l:still there', last - WINDOW_MICROS + 1, last);
    const [gone, there] = await limiter.consume([
      { subject: 'just gone', limit: 2, cost: 1 },
      { subject: 'still there', limit: 2, cost: 1 },
    ]);
    expect(gone).toMatchObject({ admitted: true, decidedAtMicros: last });
    expect(there).toMatchObject({ admitted: false, decidedAtMicros: last });
  });

  it('forgets what left the window by few commands, however much it is', async () => {
    const nowMicros = await microsOf(raw);
    const gone = Array.from({ length: 20_000 }, (_, at) => nowMicros - 2 * WINDOW_MICROS + at);
    const held = Array.from({ length: 5000 }, (_, at) => nowMicros - WINDOW_MICROS / 2 + at);
    await raw.rpush('lk:l:a', ...gone);
    await raw.rpush('lk:l:a', ...held);
    await raw.config('RESETSTAT');
    const [admission] = await limiter.consume([{ subject: 'a', limit: 10_000, cost: 1 }]);
    expect(admission).toMatchObject({ admitted: true, remaining: 10_000 - 5001 });
    const commands = await raw.info('commandstats');
    const calls = [...commands.matchAll(/^cmdstat_(\S+?):calls=(\d+)/gm)].map(([, name, count]) => [
      name,
      Number(count),
    ]);
    expect(Object.fromEntries(calls)).toMatchObject({ ltrim: 1, rpush: 1 });
    expect(calls.reduce((sum, [, count]) => sum + (count as number), 0)).toBeLessThan(60);
    expect(await raw.lrange('lk:l:a', 0, 0)).toEqual([String(held[0])]);
    const [last] = await limiter.consume([{ subject: 'a', limit: 10_000, cost: 4999 }]);
    expect(last).toMatchObject({ admitted: true, remaining: 0 });
  });

  it('keeps one list of times for each subject, for as long as an admission is in the window', async () => {
    const [first] = await limiter.consume([demand]);
    expect(await raw.keys('*')).toEqual(['lk:l:a']);
    expect(await raw.lrange('lk:l:a', 0, -1)).toEqual([String(first?.decidedAtMicros)]);
    await limiter.consume([demand, demand, demand]);
    expect(await raw.llen('lk:l:a')).toBe(3);
    const expiresAtMs = Number(await raw.call('PEXPIRETIME', 'lk:l:a'));
    const emptyAtMs = Number(await raw.lindex('lk:l:a', -1)) / 1000 + WINDOW_MS;
    expect(expiresAtMs - emptyAtMs).toBeGreaterThan(0);
    expect(expiresAtMs - emptyAtMs).toBeLessThan(WINDOW_MS / 10);
  });

  it('keeps an admission in at most 16 bytes', async () => {
    const subjects = Array.from({ length: 20 }, (_, n) => `key_${n}`);
    const full = subjects.map((subject) => ({ subject, limit: 600, cost: 600 }));
    await limiter.consume(full);
    let bytes = 0;
    for (const subject of subjects)
      bytes += Number(await raw.memory('USAGE', `lk:l:${subject}`, 'SAMPLES', 0));
    expect(bytes / (600 * subjects.length)).toBeLessThanOrEqual(16);
  });

  it.each([
    ['another type', () => raw.set('lk:l:a', 'x')],
    ['no times', () => raw.rpush('lk:l:a', 'x', 'y')],
    ['a time that never comes', () => raw.rpush('lk:l:a', 1, 2 ** 53)],
  ])('starts anew over a planted value of %s, and decides the others with it', async (_, plant) => {
    await plant();
    const answers = await limiter.consume([demand, { ...demand, subject: 'b' }, demand]);
    expect(answers.map(({ remaining }) => remaining)).toEqual([2, 2, 1]);
    expect(await raw.llen('lk:l:a')).toBe(2);
  });

  it('decides a thousand demands at once, each in its place', async () => {
    const demands = Array.from({ length: 1000 }, (_, n) => ({ subject: `s${n % 300}`, limit: 3, cost: 1 }));
    const answers = await limiter.consume(demands);
    const remaining = demands.map((_, n) => Math.max(0, 2 - Math.floor(n / 300)));
    expect(answers.map((answer) => answer.remaining)).toEqual(remaining);
    expect(answers.map(({ admitted }) => admitted)).toEqual(demands.map((_, n) => n < 900));
  });

  it('decides on after Redis forgot the script', async () => {
    await limiter.consume([demand]);
    await raw.script('FLUSH');
    const answers = await limiter.consume([demand, demand, demand]);
    expect(answers.map(({ remaining }) => remaining)).toEqual([1, 0, 0]);
  });

  it('rejects while Redis accepts connections but does not answer, and answers again after', async () => {
    await raw.client('PAUSE', 1500, 'ALL');
    await expect(limiter.consume([demand])).rejects.toThrow(/Socket timeout|closed|away|max retries/i);
    await eventually(async () => expect(await limiter.consume([demand])).toMatchObject([{ admitted: true }]));
  });

  it('rejects at once while Redis is away, tells so once, and reconnects by itself', async () => {
    states.length = 0;
    await stack.redis.kill();
    await eventually(() => expect(states).toEqual(['away']));
    await expect(limiter.consume([demand])).rejects.toThrow(/away/);
    await expect(limiter.check()).rejects.toThrow(/away/);
    await stack.redis.start();
    await eventually(async () => expect(await limiter.consume([demand])).toMatchObject([{ remaining: 2 }]));
    expect(states).toEqual(['away', 'back']);
  }, 30_000);
});

describe('RedisRateLimiter on a Redis Cluster of two nodes', () => {
  let cluster: RedisCluster;

  beforeAll(async () => {
    cluster = await startRedisCluster();
  }, 30_000);
  afterAll(() => cluster.stop());

  const open = () => openOnRedis({ url: cluster.url, cluster: true, servers: cluster.clients });

  rateLimiterContract(open);

  it('spreads its subjects over the nodes and answers in the order of the demands', async () => {
    const { limiter } = await open();
    const demands = Array.from({ length: 100 }, (_, n) => ({ subject: `s${n}`, limit: n + 1, cost: 1 }));
    const answers: Admission[] = await limiter.consume(demands);
    expect(answers.map(({ remaining }) => remaining)).toEqual(demands.map((_, n) => n));
    for (const client of cluster.clients) expect(await client.dbsize()).toBeGreaterThan(10);
    await limiter.close();
  });
});

async function microsOf(redis: Redis): Promise<number> {
  const [seconds, micros] = await redis.time();
  return Number(seconds) * 1_000_000 + Number(micros);
}
