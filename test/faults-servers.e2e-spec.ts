import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { eventually } from '#libs/testing/eventually';
import { LatchkeyClient } from '#libs/testing/latchkey-client';
import { APPS, type LatchkeyProcesses, startLatchkeyProcesses } from '#libs/testing/latchkey-processes';
import { type PrivateStack, startPrivateStack } from '#libs/testing/private-stack';
import { Accounts, RESUMED_MS } from './faults/accounts.js';
import { readinessOf, runUnderLoad, type UnderLoad, untilAllReady } from './faults/run-under-load.js';

jest.setTimeout(150_000);

describe('servers that go away and come back', () => {
  let stack: PrivateStack;
  let latchkey: LatchkeyProcesses;
  let client: LatchkeyClient;
  let accounts: Accounts;

  const underLoad = (fault: (load: UnderLoad) => Promise<void>) =>
    runUnderLoad({ latchkey, client, accounts }, fault);

  const untilDown = (app: (typeof APPS)[number], ...down: string[]) =>
    eventually(
      async () => expect(await readinessOf(latchkey, app)).toEqual({ status: 503, down: down.toSorted() }),
      {
        timeoutMs: RESUMED_MS,
      },
    );

  const withRedis = async <T>(use: (redis: Redis) => Promise<T>): Promise<T> => {
    const redis = new Redis(stack.env['REDIS_URL'] as string);
    try {
      return await use(redis);
    } finally {
      redis.disconnect();
    }
  };

  /** The view holds every secret of the store again, and says so. */
  const untilViewIsComplete = async () => {
    const [secrets] = await accounts.rows<{ count: string }>('select count(*) from keys.secrets');
    await withRedis((redis) =>
      eventually(
        async () => {
          expect(await redis.exists('lk:complete')).toBe(1);
          expect((await redis.keys('lk:d:*')).length).toBeGreaterThanOrEqual(Number(secrets?.count));
        },
        { timeoutMs: RESUMED_MS },
      ),
    );
  };

  /** What is made, restricted and lifted again is so at the verifier by the answer, or moments after it. */
  const changesHoldAtOnce = async () => {
    const tenant = `tenant-${crypto.randomUUID()}`;
    await client.manage('PUT', `/v1/tenants/${tenant}`, {});
    const created = await client.manage('POST', `/v1/tenants/${tenant}/keys`, {
      name: 'k',
      environment: 'live',
      scopes: [],
    });
    const { key, secret } = created.body;
    await expect(client.verdict(secret)).resolves.toBe('VALID');
    await client.manage('POST', `/v1/tenants/${tenant}/suspend`);
    await expect(client.verdict(secret)).resolves.toBe('TENANT_SUSPENDED');
    await client.manage('POST', `/v1/tenants/${tenant}/resume`);
    await eventually(async () => expect(await client.verdict(secret)).toBe('VALID'));
    await client.manage('POST', `/v1/tenants/${tenant}/keys/${key.id}/revoke`);
    await expect(client.verdict(secret)).resolves.toBe('REVOKED');
  };

  beforeAll(async () => {
    stack = await startPrivateStack(['kafka', 'redis', 'postgres']);
    latchkey = await startLatchkeyProcesses(stack.env);
    client = new LatchkeyClient(latchkey);
    accounts = new Accounts(latchkey, stack.env['KAFKA_BROKERS'] as string);
  });

  afterAll(async () => {
    client?.close();
    try {
      await latchkey?.stop();
    } finally {
      await stack?.stop();
    }
  });

  it('without Kafka answers, decides and spools, and later publishes and counts all of it once, also of processes killed meanwhile', async () => {
    await underLoad(async (load) => {
      await stack.kafka.stop();
      for (const app of ['key-management', 'auth-verifier', 'usage'] as const)
        await untilDown(app, 'event-log');
      await load.goesOn('verifier', 'api', 'commands');
      await changesHoldAtOnce();
      const reporting = ['auth-verifier', 'api'] as const;
      await Promise.all(reporting.map((app) => latchkey.process(app).kill('SIGKILL')));
      for (const app of reporting) latchkey.spawn(app);
      await load.goesOn('verifier', 'api', 'commands');
      await stack.kafka.start();
    });
  });

  it('without Redis answers by asking key-management, and fills it again by itself when it comes back empty', async () => {
    const { unanswered } = await underLoad(async (load) => {
      await stack.redis.kill();
      await untilDown('auth-verifier', 'key-view');
      await load.goesOn('verifier', 'api', 'commands');
      await stack.redis.start();
      await untilViewIsComplete();
    });
    expect(unanswered).toBe(0);
  });

  it('fills a Redis that was emptied, and calls no key anything else meanwhile', async () => {
    const { unanswered } = await underLoad(async (load) => {
      for (let times = 0; times < 2; times += 1) {
        await withRedis((redis) => redis.flushall());
        await untilViewIsComplete();
        await load.goesOn('verifier', 'api', 'commands');
      }
    });
    expect(unanswered).toBe(0);
  });

  it('without PostgreSQL answers from Redis, without both says that it cannot tell, and takes commands and counts again later', async () => {
    const { unanswered } = await underLoad(async (load) => {
      await stack.postgres.stop();
      await untilDown('key-management', 'postgres');
      await untilDown('usage', 'postgres');
      await load.goesOn('verifier', 'api');
      await withRedis((redis) => redis.flushall());
      const { refused } = load.requests;
      await eventually(() => {
        expect(load.requests.wrong).toEqual([]);
        expect(load.requests.refused).toBeGreaterThan(refused + 10);
      });
      await stack.postgres.start();
      await untilViewIsComplete();
    });
    expect(unanswered).toBe(0);
  });

  it('without any of them ends on SIGTERM with 0, starts again, says which are away, and is at work within 30 s of their return', async () => {
    await Promise.all([stack.kafka.stop(), stack.redis.stop(), stack.postgres.stop()]);
    const ends = await Promise.all(APPS.map((app) => latchkey.process(app).kill('SIGTERM')));
    expect(ends).toEqual(APPS.map(() => ({ code: 0, signal: null })));
    for (const app of APPS) latchkey.spawn(app);
    await Promise.all(
      APPS.map((app) =>
        eventually(
          async () => expect((await fetch(`${latchkey.httpUrls[app]}/health/live`)).status).toBe(200),
          {
            timeoutMs: RESUMED_MS,
          },
        ),
      ),
    );
    await untilDown('key-management', 'event-log', 'postgres');
    await untilDown('auth-verifier', 'event-log', 'fence', 'key-view', 'key-management');
    await untilDown('usage', 'consumers', 'event-log', 'postgres');
    await Promise.all([stack.kafka.start(), stack.redis.start(), stack.postgres.start()]);
    await untilAllReady(latchkey);
    expect(APPS.map((app) => latchkey.process(app).end)).toEqual(APPS.map(() => null));
    await underLoad(async (load) => load.goesOn('verifier', 'api', 'commands'));
  });
});
