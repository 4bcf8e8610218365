import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { credentials, status } from '@grpc/grpc-js';
import { jest } from '@jest/globals';
import { Registry } from 'prom-client';
import { KEYS_TOPIC, REQUESTS_DEAD_TOPIC, REQUESTS_TOPIC, type RequestEvent } from '#libs/contracts';
import { UsageServiceClient } from '#libs/contracts/gen/latchkey/v1/usage_service';
import type { EventLog, ReceivedRecord } from '#libs/event-log';
import { type RunningReporter, startRequestReporter } from '#libs/request-reporting/serve';
import { readEnvironment } from '#libs/service-kit';
import { GrpcCaller } from '#libs/service-kit/grpc-caller';
import type { RunningService } from '#libs/service-kit/serve';
import { checkCounts } from '#libs/testing/count-check';
import { eventually } from '#libs/testing/eventually';
import { freePort } from '#libs/testing/free-port';
import { variables } from './config.js';
import { serve } from './serve.js';
import { logger, openUsageDatabase, requestEvent, type UsageDatabase } from './usage-database.contract.js';

jest.setTimeout(60_000);

const OPERATOR_TOKEN = 'operator-token-of-the-test';
const SERVICE_TOKEN = 'service-token-of-the-test';
const OTHER_TOKEN = 'service-token-without-usage';

describe('usage', () => {
  let usage: UsageDatabase;
  let eventLog: EventLog;
  let service: RunningService;
  let reporting: RunningReporter;
  let client: UsageServiceClient;
  let directory: string;
  const caller = new GrpcCaller(SERVICE_TOKEN, 5000);

  async function start(): Promise<RunningService> {
    const environment = {
      LATCHKEY_USAGE_PORT: '0',
      LATCHKEY_USAGE_GRPC_PORT: String(await freePort()),
      LATCHKEY_OPERATOR_TOKEN: OPERATOR_TOKEN,
      LATCHKEY_SERVICE_TOKENS: `api:${SERVICE_TOKEN}:usage,verifier:${OTHER_TOKEN}:project`,
      LATCHKEY_DOCS_PAGE: 'false',
      DATABASE_URL: usage.urls.runtimeUrl,
      DATABASE_MIGRATION_URL: usage.urls.migrationUrl,
    };
    return serve(readEnvironment(variables, environment), { eventLog: usage.eventLog(), logger });
  }

  beforeAll(async () => {
    usage = await openUsageDatabase();
    eventLog = usage.eventLog();
    service = await start();
    client = new UsageServiceClient(service.grpcAddress ?? '', credentials.createInsecure());
    directory = mkdtempSync(join(tmpdir(), 'latchkey-usage-'));
    const metrics = new Registry();
    reporting = await startRequestReporter({ directory, service: 'test', eventLog, logger, metrics });
  });

  afterAll(async () => {
    client.close();
    await reporting.close();
    await service.close();
    await usage.close();
    rmSync(directory, { recursive: true });
  });

  const read = (path: string, token = OPERATOR_TOKEN) =>
    fetch(`${service.httpUrl}/v1/tenants/${path}/usage`, { headers: { authorization: `Bearer ${token}` } });

  async function publishKey(keyId: string, tenantId: string, createdAtMs: number): Promise<void> {
    const value = Buffer.from(JSON.stringify({ keyId, tenantId, version: 1, createdAtMs, secrets: [] }));
    await eventLog.publish(KEYS_TOPIC, [{ key: keyId, value, headers: {} }]);
  }

  async function metric(name: string): Promise<number> {
    const text = await (await fetch(`${service.httpUrl}/metrics`)).text();
    return Number(new RegExp(`^${name} (.*)$`, 'm').exec(text)?.[1]);
  }

  it('tells over HTTP how much a key was used, from its creation and its requests', async () => {
    const nowMs = Date.now();
    const createdAtMs = nowMs - 1_000_000;
    await publishKey('key_used', 'acme', createdAtMs);
    const at = (agoMs: number, fields: Partial<RequestEvent> = {}) =>
      requestEvent(`r${agoMs}`, { keyId: 'key_used', occurredAtMs: nowMs - agoMs, ...fields });
    const days = 24 * 60 * 60 * 1000;
    await reporting.reporter.record([
      at(5000),
      at(4000, { outcome: 'INSUFFICIENT_SCOPE' }),
      at(3000, { outcome: 'REVOKED' }),
      at(29 * days),
      at(31 * days),
    ]);
    const body = await eventually(async () => {
      const response = await read('acme/keys/key_used');
      const answer = (await response.json()) as Record<string, unknown>;
      expect(answer).toMatchObject({ requests30d: 3, createdAt: expect.any(String) });
      return answer;
    });
    const { windowStart, ...rest } = body;
    expect(rest).toEqual({
      keyId: 'key_used',
      createdAt: new Date(createdAtMs).toISOString(),
      lastUsedAt: new Date(nowMs - 5000).toISOString(),
      lastAuthenticatedAt: new Date(nowMs - 4000).toISOString(),
      requests30d: 3,
      refused30d: 1,
      byOutcome: {
        REVOKED: 1,
        SECRET_RETIRED: 0,
        EXPIRED: 0,
        TENANT_SUSPENDED: 0,
        INSUFFICIENT_SCOPE: 1,
        RATE_LIMITED: 0,
        VALID: 2,
      },
    });
    expect(windowStart).toMatch(/T\d\d:(00|15|30|45):00\.000Z$/);
  });

  it('answers 404 for another tenant’s key, an unknown one, and what is no id at all', async () => {
    await publishKey('key_of_beta', 'beta', Date.now());
    await eventually(async () => expect((await read('beta/keys/key_of_beta')).status).toBe(200));
    for (const path of [
      'acme/keys/key_of_beta',
      'acme/keys/none',
      '*/keys/key_of_beta',
      'acme/keys/a%00b',
      'acme/keys/%20',
    ]) {
      const response = await read(path);
      expect([path, response.status]).toEqual([path, 404]);
      expect(await response.json()).toMatchObject({ code: 'KEY_NOT_FOUND' });
    }
  });

  it('answers 401 without the operator token', async () => {
    expect((await read('beta/keys/key_of_beta', 'another-token-entirely')).status).toBe(401);
  });

  describe('over gRPC', () => {
    const get = (tenantId: string, keyId: string, by = caller) =>
      by.call(client.getKeyUsage.bind(client), { tenantId, keyId });
    const list = (tenantId: string, keyIds: string[]) =>
      caller.call(client.listKeyUsage.bind(client), { tenantId, keyIds });

    it('tells of one key, and refuses an unknown one', async () => {
      await publishKey('key_quiet', 'acme', 1_790_000_000_000);
      await eventually(async () => expect((await get('acme', 'key_quiet')).usage?.keyId).toBe('key_quiet'));
      const { usage: figures } = await get('acme', 'key_quiet');
      expect(figures).toMatchObject({ requests30d: '0', refused30d: '0', lastUsedAt: undefined });
      expect(figures?.createdAt?.getTime()).toBe(1_790_000_000_000);
      await expect(get('beta', 'key_quiet')).rejects.toMatchObject({ code: 'KEY_NOT_FOUND' });
    });

    it('tells of many keys in the order asked, with zeros for those it does not know', async () => {
      await publishKey('key_first', 'acme', 1_790_000_000_000);
      await eventually(() => get('acme', 'key_first'));
      const { usages } = await list('acme', ['none', 'key_first', 'key_of_beta']);
      expect(usages.map(({ keyId, createdAt }) => [keyId, createdAt?.getTime()])).toEqual([
        ['none', undefined],
        ['key_first', 1_790_000_000_000],
        ['key_of_beta', undefined],
      ]);
      expect(usages[0]).toMatchObject({ requests30d: '0', refused30d: '0', byOutcome: { VALID: '0' } });
      expect((await list('acme', [])).usages).toEqual([]);
    });

    it.each([
      ['more than 100 keys', 'acme', Array.from({ length: 101 }, (_, i) => `k${i}`), 'keyIds'],
      ['the scope of all tenants', '*', ['key_of_beta'], 'tenantId'],
      ['an id that is none', 'acme', ['a\u0000b'], 'keyIds'],
    ])('refuses %s', async (_, tenantId, keyIds, field) => {
      const refused = await list(tenantId, keyIds).catch((error: unknown) => error);
      expect(refused).toMatchObject({
        code: 'INVALID_REQUEST',
        fields: [expect.objectContaining({ field })],
      });
    });

    it('is for callers with the role usage', async () => {
      const call = client.getKeyUsage.bind(client);
      const request = { tenantId: 'acme', keyId: 'key_used' };
      await expect(new GrpcCaller(OTHER_TOKEN, 5000).call(call, request)).rejects.toMatchObject({
        code: status.PERMISSION_DENIED,
      });
      const anonymous = new Promise((_, reject) => client.getKeyUsage(request, reject));
      await expect(anonymous).rejects.toMatchObject({ code: status.UNAUTHENTICATED });
    });
  });

  it('counts on behind a message it can not read, which is kept in the dead topic with the reason', async () => {
    const dead: ReceivedRecord[] = [];
    const reading = await eventLog.subscribe({
      group: 'test',
      topics: [REQUESTS_DEAD_TOPIC],
      start: 'committed',
      onBatch: ({ records }) => {
        dead.push(...records);
        return Promise.resolve(undefined);
      },
      onError: () => undefined,
    });
    const incarnation = '3f0c8b1e-53a9-4b8f-9c5e-2f6f5f1f7d10';
    const wrong = { ...requestEvent('wrong'), outcome: 'MAYBE' };
    const batch = {
      incarnation,
      firstSequence: 1,
      events: [requestEvent('before'), wrong, requestEvent('after')],
    };
    const record = (value: string) => ({ key: null, value: Buffer.from(value), headers: {} });
    await eventLog.publish(REQUESTS_TOPIC, [record('not JSON'), record(JSON.stringify(batch))], 0);
    await eventually(async () => {
      const counted = await usage.counted('acme');
      expect([counted.get('before'), counted.get('after'), counted.get('wrong')]).toEqual([1, 1, undefined]);
    });
    await eventually(() => expect(dead.length).toBeGreaterThanOrEqual(2));
    const problems = dead.map(({ headers }) => headers['latchkey-problem']);
    expect(problems).toEqual(
      expect.arrayContaining(['the message is not JSON', 'event 2: outcome is not one that is counted']),
    );
    expect(dead.map(({ value }) => value.toString())).toContain('not JSON');
    await eventually(async () =>
      expect(await metric('latchkey_usage_dead_messages_total')).toBeGreaterThanOrEqual(2),
    );
    await reading.close();
  });

  it('tells in its metrics how many events wait for a missing one', async () => {
    const incarnation = '8d7bb1b4-41c4-4bb3-a5b0-d1b6ed0a4a0f';
    const send = (firstSequence: number, id: string) => {
      const value = Buffer.from(JSON.stringify({ incarnation, firstSequence, events: [requestEvent(id)] }));
      return eventLog.publish(REQUESTS_TOPIC, [{ key: null, value, headers: {} }], 1);
    };
    await send(2, 'second');
    await eventually(async () => expect(await metric('latchkey_usage_parked_events')).toBe(1));
    await send(1, 'first');
    await eventually(async () => expect(await metric('latchkey_usage_parked_events')).toBe(0));
    const counted = await usage.counted('acme');
    expect([counted.get('first'), counted.get('second')]).toEqual([1, 1]);
  });

  it('counts every answered request once while it is stopped and started again, twice', async () => {
    const ids: string[] = [];
    let going = true;
    const traffic = (async () => {
      for (let i = 0; going; i += 1) {
        const id = `restart-${i}`;
        await reporting.reporter.record([requestEvent(id)]);
        ids.push(id);
        // As fast as it goes it would make more than a slow machine counts in the time.
        await delay(1);
      }
    })();
    for (const round of [1, 2]) {
      await eventually(() => expect(ids.length).toBeGreaterThan(round * 500));
      await service.close();
      service = await start();
    }
    going = false;
    await traffic;
    await eventually(
      async () => {
        const counted = [...(await usage.counted('acme'))].filter(([id]) => id.startsWith('restart-'));
        expect(checkCounts({ answered: ids, received: ids, counted })).toEqual([]);
      },
      { timeoutMs: 60_000 },
    );
    client.close();
    client = new UsageServiceClient(service.grpcAddress ?? '', credentials.createInsecure());
  }, 90_000);

  it('describes its HTTP answers, with examples, in the OpenAPI document', async () => {
    const document = (await (await fetch(`${service.httpUrl}/openapi.json`)).json()) as {
      components: { schemas: Record<string, { properties: Record<string, { example?: unknown }> }> };
    };
    const { properties } = document.components.schemas['KeyUsageResponse'] ?? { properties: {} };
    expect(Object.keys(properties).toSorted()).toEqual([
      'byOutcome',
      'createdAt',
      'keyId',
      'lastAuthenticatedAt',
      'lastUsedAt',
      'refused30d',
      'requests30d',
      'windowStart',
    ]);
    expect(properties['requests30d']?.example).toBeDefined();
  });
});
