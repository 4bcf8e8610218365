import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import type { SealedRecord } from '#libs/contracts';
import { eventually } from '#libs/testing/eventually';
import { type PrivateStack, startPrivateStack } from '#libs/testing/private-stack';
import { type RedisCluster, startRedisCluster } from '#libs/testing/redis-cluster';
import { keyViewContract } from './key-view.contract.js';
import type { RecordId } from './key-view.js';
import { RedisKeyView } from './redis-key-view.js';

const record: SealedRecord = { json: '{"a":1}', sealKeyId: 'k', seal: 's' };
const id: RecordId = { kind: 'secret', id: 'd' };

describe('RedisKeyView on one Redis', () => {
  let stack: PrivateStack;
  let raw: Redis;
  let view: RedisKeyView;
  const states: string[] = [];

  beforeAll(async () => {
    stack = await startPrivateStack(['redis']);
    const url = stack.env.REDIS_URL as string;
    raw = new Redis(url);
    raw.on('error', () => undefined);
    view = new RedisKeyView({
      url,
      cluster: false,
      tlsCaFile: '',
      onAway: (error) => states.push(error === undefined ? 'back' : 'away'),
    });
    await eventually(() => view.check());
  }, 60_000);
  afterAll(async () => {
    await view.close();
    raw.disconnect();
    await stack.stop();
  }, 60_000);

  keyViewContract(async () => {
    const own = new RedisKeyView({
      url: stack.env.REDIS_URL as string,
      cluster: false,
      tlsCaFile: '',
      onAway: () => undefined,
    });
    await eventually(() => own.check());
    return { view: own, empty: async () => void (await raw.flushall()) };
  });

  it('keeps every record without an end, under the one key of its digest or tenant', async () => {
    await raw.flushall();
    await view.put(id, 3, record);
    await view.put({ kind: 'tenant', id: 't' }, 1, record);
    expect(await raw.get('lk:d:d')).toBe('3|k|s|{"a":1}');
    expect((await raw.keys('*')).sort()).toEqual(['lk:d:d', 'lk:t:t']);
    expect(await raw.ttl('lk:d:d')).toBe(-1);
  });

  it.each([
    ['text of another form', () => raw.set('lk:d:d', 'nonsense')],
    ['a version beyond all numbers', () => raw.set('lk:d:d', '99999999999999999999|k|s|{}')],
  ])('shows a planted value as a record that no key sealed, and overwrites it: %s', async (_, plant) => {
    await plant();
    const [found] = await view.find([id]);
    expect(found).toBeDefined();
    expect(found).not.toEqual(record);
    expect(await view.put(id, 1, record)).toBe(true);
    expect(await view.find([id])).toEqual([record]);
  });

  it('overwrites a planted value of another type', async () => {
    await raw.del('lk:d:d');
    await raw.rpush('lk:d:d', 'x');
    expect(await view.put(id, 1, record)).toBe(true);
    expect(await view.find([id])).toEqual([record]);
  });

  it('writes on after Redis forgot the scripts', async () => {
    await raw.script('FLUSH');
    expect(await view.put(id, 9, record)).toBe(true);
  });

  it('rejects while Redis accepts connections but does not answer, and answers again after', async () => {
    await raw.client('PAUSE', 1500, 'ALL');
    await expect(view.find([id])).rejects.toThrow(/Socket timeout|closed|away|max retries/i);
    await eventually(async () => expect(await view.find([id])).toEqual([record]));
  });

  it('rejects at once while Redis is away, tells so once, and reconnects by itself', async () => {
    states.length = 0;
    await stack.redis.kill();
    await eventually(() => expect(states).toEqual(['away']));
    await expect(view.find([id])).rejects.toThrow(/away/);
    await expect(view.put(id, 1, record)).rejects.toThrow(/away/);
    await expect(view.check()).rejects.toThrow(/away/);
    await stack.redis.start();
    await eventually(async () => expect(await view.find([id])).toEqual([undefined]));
    expect(states).toEqual(['away', 'back']);
    expect(await view.isComplete()).toBe(false);
  }, 30_000);
});

describe('RedisKeyView on a Redis Cluster of two nodes', () => {
  let cluster: RedisCluster;

  beforeAll(async () => {
    cluster = await startRedisCluster();
  }, 30_000);
  afterAll(() => cluster.stop());

  keyViewContract(async () => {
    const view = new RedisKeyView({
      url: cluster.url,
      cluster: true,
      tlsCaFile: '',
      onAway: () => undefined,
    });
    await eventually(() => view.check());
    return {
      view,
      async empty() {
        await Promise.all(cluster.clients.map((client) => client.flushall()));
      },
    };
  });

  it('spreads its records over the nodes', async () => {
    const view = new RedisKeyView({
      url: cluster.url,
      cluster: true,
      tlsCaFile: '',
      onAway: () => undefined,
    });
    await eventually(() => view.check());
    const ids = Array.from({ length: 100 }, (_, index): RecordId => ({ kind: 'secret', id: `s${index}` }));
    await Promise.all(ids.map((each) => view.put(each, 1, record)));
    expect(await view.find(ids)).toEqual(ids.map(() => record));
    for (const client of cluster.clients) expect(await client.dbsize()).toBeGreaterThan(10);
    await view.close();
  });
});
