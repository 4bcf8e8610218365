import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis, type RedisOptions } from 'ioredis';
import type { RecordId } from '#libs/key-view';
import { keyViewContract } from '#libs/key-view/key-view.contract';
import { RedisKeyView } from '#libs/key-view/redis-key-view';
import { rateLimiterContract } from '#libs/rate-limit/rate-limiter.contract';
import { openOnRedis } from '#libs/rate-limit/redis-limiter.contract';
import { eventually } from '#libs/testing/eventually';
import { type DeployedRedis, startDeployedRedis } from './deployment/deployed-redis.js';
import { makeSecrets } from './deployment/deployment-scripts.js';

describe('the Redis of the deployment', () => {
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-redis-'));
  const secrets = join(directory, 'secrets');
  const secret = (name: string) => readFileSync(join(secrets, name), 'utf8').trim();
  let server: DeployedRedis;
  let verifier: Redis;
  let operator: Redis;

  function connect(username: string, password: string, options: RedisOptions = {}): Redis {
    const { port } = server;
    const client = new Redis({
      host: '127.0.0.1',
      port,
      username,
      password,
      retryStrategy: () => null,
      disconnectTimeout: 100,
      ...options,
    });
    client.on('error', () => undefined);
    return client;
  }
  function verifierUrl(): string {
    const url = new URL(secret('redis-url-auth-verifier'));
    url.host = `127.0.0.1:${server.port}`;
    return url.href;
  }
  async function openView(): Promise<RedisKeyView> {
    const url = verifierUrl();
    const view = new RedisKeyView({ url, cluster: false, tlsCaFile: '', onAway: () => undefined });
    await eventually(() => view.check());
    return view;
  }

  beforeAll(async () => {
    await makeSecrets(secrets);
    server = await startDeployedRedis(directory, secrets);
    verifier = connect('auth-verifier', secret('redis-password-auth-verifier'));
    operator = connect('operator', secret('redis-password-operator'));
    await operator.ping();
  });
  afterAll(async () => {
    verifier.disconnect();
    operator.disconnect();
    await server.stop();
    rmSync(directory, { recursive: true });
  });

  // Everything that auth-verifier does with Redis, as the user that it is there.
  keyViewContract(async () => ({
    view: await openView(),
    empty: async () => void (await operator.flushall()),
  }));
  rateLimiterContract(() => openOnRedis({ url: verifierUrl(), cluster: false, servers: [operator] }));

  it('answers nobody without a name', async () => {
    const nobody = new Redis({
      host: '127.0.0.1',
      port: server.port,
      enableReadyCheck: false,
      retryStrategy: () => null,
    });
    nobody.on('error', () => undefined);
    await expect(nobody.get('lk:d:d')).rejects.toThrow(/NOAUTH/);
    await expect(nobody.ping()).rejects.toThrow(/NOAUTH/);
    nobody.disconnect();
  });

  it('lets its health check ping and do nothing else', async () => {
    const health = connect('health', 'none', { enableReadyCheck: false });
    expect(await health.ping()).toBe('PONG');
    await expect(health.get('lk:d:d')).rejects.toThrow(/NOPERM/);
    await expect(health.info()).rejects.toThrow(/NOPERM/);
    health.disconnect();
  });

  it.each([
    ['read another key', (redis: Redis) => redis.get('other')],
    ['write another key', (redis: Redis) => redis.set('other', 'x')],
    ['write another key by a script', (redis: Redis) => redis.eval("redis.call('SET', 'other', 'x')", 0)],
    ['delete a record', (redis: Redis) => redis.del('lk:d:d')],
    ['delete a record by a script', (redis: Redis) => redis.eval("redis.call('DEL', KEYS[1])", 1, 'lk:d:d')],
    ['let a record expire', (redis: Redis) => redis.expire('lk:d:d', 1)],
    ['let a record expire as a limit does', (redis: Redis) => redis.pexpireat('lk:d:d', 1)],
    [
      'delete a tenant by a script over a limit',
      (redis: Redis) => redis.eval("redis.call('DEL', 'lk:t:t')", 1, 'lk:l:a'),
    ],
    ['list keys', (redis: Redis) => redis.keys('*')],
    ['empty the view', (redis: Redis) => redis.flushall()],
    ['change the configuration', (redis: Redis) => redis.config('SET', 'maxmemory', '1')],
    ['read the users', (redis: Redis) => redis.acl('LIST')],
    ['listen to others', (redis: Redis) => redis.subscribe('channel')],
    ['end the server', (redis: Redis) => redis.shutdown()],
  ])('does not let auth-verifier %s', async (_, attempt) => {
    await expect(attempt(verifier)).rejects.toThrow(/NOPERM|user executing the script can't/);
  });

  it('comes back empty, so that the view is rebuilt and no old record is believed', async () => {
    const view = await openView();
    const id: RecordId = { kind: 'secret', id: 'd' };
    await view.put(id, 1, { json: '{}', sealKeyId: 'k', seal: 's' });
    await view.markComplete();
    await view.close();
    await server.restart();
    const again = await openView();
    expect(await again.find([id])).toEqual([undefined]);
    expect(await again.isComplete()).toBe(false);
    await again.close();
  });
});
