import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { RunningService } from '#libs/service-kit/serve';
import { eventually } from '#libs/testing/eventually';
import { type PrivateStack, startPrivateStack } from '#libs/testing/private-stack';
import {
  type Answer,
  ask,
  createKeysDatabase,
  keyBody,
  KeptLog,
  type KeysDatabase,
  registerTenant,
  serveKeyManagement,
} from './served-key-management.contract.js';

jest.setTimeout(120_000);

describe('key-management while PostgreSQL is away', () => {
  let stack: PrivateStack;
  let database: KeysDatabase;

  beforeAll(async () => {
    stack = await startPrivateStack(['postgres']);
    database = await createKeysDatabase(stack.env['DATABASE_ADMIN_URL']);
  });

  afterAll(async () => {
    await stack.stop();
  });

  const ready = (service: RunningService) => ask(service, 'GET', '/health/ready').catch(() => undefined);

  /** Readiness is no problem+json: it says which dependency is away. */
  async function readiness({ httpUrl }: RunningService): Promise<unknown> {
    const response = await fetch(`${httpUrl}/health/ready`);
    return { status: response.status, body: await response.json() };
  }

  const UNREADY = {
    status: 503,
    body: { ready: false, dependencies: { postgres: 'down', 'event-log': 'up' } },
  };

  async function untilReady(service: RunningService): Promise<void> {
    await eventually(async () => expect((await ready(service))?.status).toBe(200), { timeoutMs: 30_000 });
  }

  it('starts without it, says 503 and why, and works when it is there', async () => {
    await stack.postgres.stop();
    const service = await serveKeyManagement(database);
    try {
      expect(await readiness(service)).toEqual(UNREADY);
      const answer = await ask(service, 'PUT', '/v1/tenants/acme', { body: {} });
      expect([answer.status, answer.body.code, answer.headers.get('retry-after')]).toEqual([
        503,
        'UNAVAILABLE',
        '1',
      ]);
      expect((await fetch(`${service.httpUrl}/health/live`)).status).toBe(200);
      await stack.postgres.start();
      await untilReady(service);
      expect((await ask(service, 'PUT', '/v1/tenants/acme', { body: {} })).status).toBe(201);
    } finally {
      await service.close();
    }
  });

  it('can be closed without it', async () => {
    await stack.postgres.stop();
    try {
      const service = await serveKeyManagement(database);
      await expect(service.close()).resolves.toBeUndefined();
    } finally {
      await stack.postgres.start();
    }
  });

  it('answers 503 while it is killed and started again under load, loses no key it answered, and publishes all', async () => {
    const log = new KeptLog();
    const service = await serveKeyManagement(database, {}, log);
    const answers: Answer[] = [];
    const of = (status: number) => answers.filter((answer) => answer.status === status);
    const keys = `/v1/tenants/${await registerTenant(service)}/keys`;
    let working = true;
    const load = Promise.all(
      Array.from({ length: 8 }, async (_, i) => {
        for (let n = 0; working; n += 1) {
          const headers = { 'idempotency-key': `${i}-${n}` };
          answers.push(await ask(service, 'POST', keys, { body: keyBody(), headers }));
          answers.push(await ask(service, 'GET', `${keys}?limit=1`));
        }
      }),
    );
    try {
      await eventually(() => expect(of(201).length).toBeGreaterThan(20));
      await stack.postgres.kill();
      await eventually(() => expect(of(503).length).toBeGreaterThan(8));
      expect(await readiness(service)).toEqual(UNREADY);
      await stack.postgres.start();
      await untilReady(service);
      const before = of(201).length;
      await eventually(() => expect(of(201).length).toBeGreaterThan(before + 20), { timeoutMs: 30_000 });
    } finally {
      working = false;
      await load;
    }
    try {
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 201, 503]));
      const made = of(201).map(({ body }) => body.key.id as string);
      const missing: string[] = [];
      for (const id of made) {
        if ((await ask(service, 'GET', `${keys}/${id}`)).status !== 200) missing.push(id);
      }
      expect(missing).toEqual([]);
      await eventually(
        () => {
          const published = new Set(log.published.map(({ record }) => record.key));
          expect(made.filter((id) => !published.has(id))).toEqual([]);
        },
        { timeoutMs: 30_000 },
      );
    } finally {
      await service.close();
    }
  });
});
