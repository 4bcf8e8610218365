import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import type { SealedRecord } from '#libs/contracts';
import { eventually } from '#libs/testing/eventually';
import { freePort } from '#libs/testing/free-port';
import { type PrivateStack, startPrivateStack } from '#libs/testing/private-stack';
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
  let nodes: Awaited<ReturnType<typeof startClusterNode>>[];

  beforeAll(async () => {
    nodes = await Promise.all([startClusterNode(), startClusterNode()]);
    const [first, second] = nodes as [ClusterNode, ClusterNode];
    await first.client.call('CLUSTER', 'ADDSLOTSRANGE', '0', '8191');
    await second.client.call('CLUSTER', 'ADDSLOTSRANGE', '8192', '16383');
    await second.client.call('CLUSTER', 'SET-CONFIG-EPOCH', '2');
    await first.client.call('CLUSTER', 'MEET', '127.0.0.1', String(second.port));
    await eventually(
      async () => {
        const states = await Promise.all(nodes.map(({ client }) => client.cluster('INFO')));
        const formed = states.every((state) => /cluster_state:ok[^]*cluster_known_nodes:2/.test(state));
        if (!formed) throw new Error('the nodes are no cluster yet');
      },
      { timeoutMs: 20_000 },
    );
  }, 30_000);
  afterAll(async () => {
    await Promise.all(nodes.map((node) => node.stop()));
  });

  keyViewContract(async () => {
    const view = new RedisKeyView({
      url: `redis://127.0.0.1:${nodes[0]?.port}`,
      cluster: true,
      tlsCaFile: '',
      onAway: () => undefined,
    });
    await eventually(() => view.check());
    return {
      view,
      async empty() {
        await Promise.all(nodes.map(({ client }) => client.flushall()));
      },
    };
  });

  it('spreads its records over the nodes', async () => {
    const view = new RedisKeyView({
      url: `redis://127.0.0.1:${nodes[1]?.port}`,
      cluster: true,
      tlsCaFile: '',
      onAway: () => undefined,
    });
    await eventually(() => view.check());
    const ids = Array.from({ length: 100 }, (_, index): RecordId => ({ kind: 'secret', id: `s${index}` }));
    await Promise.all(ids.map((each) => view.put(each, 1, record)));
    expect(await view.find(ids)).toEqual(ids.map(() => record));
    for (const { client } of nodes) expect(await client.dbsize()).toBeGreaterThan(10);
    await view.close();
  });
});

interface ClusterNode {
  port: number;
  client: Redis;
  stop(): Promise<void>;
}

/** A redis-server of this test alone: whether a server is a node of a cluster is fixed at its start. */
async function startClusterNode(): Promise<ClusterNode> {
  const port = await clusterPort();
  const options = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--cluster-enabled', 'yes'];
  const server = spawn('redis-server', [...options, '--cluster-config-file', `nodes-${port}.conf`], {
    cwd: process.env.TMPDIR ?? '/tmp',
    stdio: 'ignore',
  });
  await Promise.race([
    once(server, 'spawn'),
    once(server, 'error').then(([cause]) => {
      throw new Error('redis-server is not on the PATH: apt-get install redis-server', { cause });
    }),
  ]);
  const exited = once(server, 'exit');
  const client = new Redis(port, '127.0.0.1', { retryStrategy: () => 50 });
  client.on('error', () => undefined);
  await client.ping();
  return {
    port,
    client,
    async stop() {
      client.disconnect();
      server.kill('SIGKILL');
      await exited;
    },
  };
}

/** The cluster bus listens 10,000 ports higher, which must still be a port. */
async function clusterPort(): Promise<number> {
  for (;;) {
    const port = await freePort();
    if (port <= 55_535) return port;
  }
}
