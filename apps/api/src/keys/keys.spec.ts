import { Rejection } from '#libs/contracts';
import { managingKey, managedKey, serveApi, type ServedApi } from '../served-api.contract.js';

const GOOD = 'Authorization: Bearer good';
const JSON_BODY = 'Content-Type: application/json';

let api: ServedApi;
beforeEach(async () => {
  api = await serveApi();
});
afterEach(() => api.close());

const post = (path: string, body?: object, headers: string[] = []) =>
  body === undefined
    ? api.send('POST', path, [GOOD, ...headers])
    : api.send('POST', path, [GOOD, JSON_BODY, ...headers], JSON.stringify(body));

function hold(...ids: string[]): void {
  for (const id of ids) {
    const wish = { name: id, environment: 'live', scopes: ['read'], expiresAt: null, metadata: {} } as const;
    api.keyManagement.keys.push(managedKey(id, { ...wish, scopes: ['read'] }));
  }
}

describe('GET /v1/whoami', () => {
  it('tells what the key of the request is', async () => {
    const answer = await api.send('GET', '/v1/whoami');
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.json()).toEqual({
      keyId: 'key_manager',
      tenantId: 'acme',
      environment: 'live',
      scopes: ['keys:manage', 'read'],
      expiresAt: '2030-01-01T00:00:00.000Z',
      secretGeneration: 2,
    });
  });

  it('asks for no scope', async () => {
    await api.send('GET', '/v1/whoami');
    expect(api.verifier.asked).toMatchObject([{ anyOfScopes: null }]);
  });
});

describe('GET /v1/keys', () => {
  it('lists the keys of the own environment with their insights, page by page', async () => {
    hold('key_1', 'key_2', 'key_3');
    api.keyManagement.keys.push(
      managedKey('key_test', { name: 't', environment: 'test', scopes: [], expiresAt: null, metadata: {} }),
    );
    const first = (await api.send('GET', '/v1/keys?limit=2')).json() as {
      data: { id: string }[];
      nextCursor: string;
    };
    expect(first.data.map(({ id }) => id)).toEqual(['key_1', 'key_2']);
    expect(first.data[0]).toMatchObject({
      status: 'active',
      createdAt: '2026-11-20T10:00:00.000Z',
      insights: {
        createdAt: '2026-11-20T10:00:00.000Z',
        lastUsedAt: '2026-11-21T00:00:00.000Z',
        lastAuthenticatedAt: null,
        requests30d: 7,
        refused30d: 1,
        byOutcome: { VALID: 7, REVOKED: 1 },
        windowStart: '2026-10-23T00:00:00.000Z',
      },
    });
    const second = (await api.send('GET', `/v1/keys?limit=2&cursor=${first.nextCursor}`)).json();
    expect(second).toMatchObject({ data: [{ id: 'key_3' }], nextCursor: null });
  });

  it('is unavailable without the usage service, instead of showing numbers that are not known', async () => {
    hold('key_1');
    api.keyUsage.fault = new Rejection('UNAVAILABLE', [], 1);
    const answer = await api.send('GET', '/v1/keys');
    expect(answer.status).toBe(503);
    expect(answer.headers['retry-after']).toBe('1');
  });

  it.each(['limit=0', 'limit=101', 'limit=1e1', 'limit=', 'limit=1&limit=2', 'cursor=', 'other=1'])(
    'names the query parameter that is wrong: %s',
    async (query) => {
      const answer = await api.send('GET', `/v1/keys?${query}`);
      expect(answer.json()).toMatchObject({
        status: 400,
        code: 'INVALID_REQUEST',
        errors: expect.arrayContaining([expect.objectContaining({ field: query.split('=')[0] })]),
      });
    },
  );
});

describe('POST /v1/keys', () => {
  it('makes a key in the name of the managing key, and shows its secret', async () => {
    const answer = await post(
      '/v1/keys',
      { name: 'n', scopes: ['read'], expiresAt: '2029-01-01T00:00:00+01:00', metadata: { team: 'x' } },
      ['Idempotency-Key: once', `traceparent: 00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`],
    );
    expect(answer.status).toBe(201);
    expect(answer.json()).toMatchObject({ key: { id: 'key_1', name: 'n' }, secret: 'lk_live_the-secret' });
    expect(api.keyManagement.changes).toEqual([
      {
        by: {
          manager: managingKey,
          sourceAddress: '127.0.0.1',
          requestId: answer.headers['x-request-id'],
          traceId: 'a'.repeat(32),
          idempotencyKey: 'once',
        },
        wish: {
          name: 'n',
          environment: 'live',
          scopes: ['read'],
          expiresAt: new Date('2028-12-31T23:00:00Z'),
          metadata: { team: 'x' },
        },
      },
    ]);
  });

  it('does not believe X-Forwarded-For of a client that is no trusted proxy', async () => {
    await post('/v1/keys', { name: 'n', scopes: [] }, ['X-Forwarded-For: 203.0.113.7']);
    expect(api.keyManagement.changes).toMatchObject([{ by: { sourceAddress: '127.0.0.1' } }]);
  });

  it.each([
    ['name', { scopes: ['read'] }],
    ['name', { name: '', scopes: ['read'] }],
    ['name', { name: 'n'.repeat(101), scopes: ['read'] }],
    ['scopes', { name: 'n', scopes: 'read' }],
    ['scopes', { name: 'n', scopes: ['Read'] }],
    ['scopes', { name: 'n', scopes: [['read']] }],
    ['scopes', { name: 'n', scopes: ['read', 'read'] }],
    ['environment', { name: 'n', scopes: [], environment: 'staging' }],
    ['expiresAt', { name: 'n', scopes: [], expiresAt: '2030-01-01' }],
    ['expiresAt', { name: 'n', scopes: [], expiresAt: '2030-W01-1' }],
    ['expiresAt', { name: 'n', scopes: [], expiresAt: '2030-02-30T00:00:00Z' }],
    ['expiresAt', { name: 'n', scopes: [], expiresAt: '2030-06-30T23:59:60Z' }],
    ['expiresAt', { name: 'n', scopes: [], expiresAt: 1_900_000_000 }],
    ['metadata', { name: 'n', scopes: [], metadata: ['x'] }],
    ['tenantId', { name: 'n', scopes: [], tenantId: 'other' }],
  ])('names the field that is wrong: %s of %j', async (field, body) => {
    const answer = await post('/v1/keys', body);
    const problem = answer.json() as { errors: { field: string }[] };
    expect(problem).toMatchObject({ status: 400, code: 'INVALID_REQUEST' });
    expect(new Set(problem.errors.map((error) => error.field))).toEqual(new Set([field]));
    expect(api.keyManagement.changes).toHaveLength(0);
  });

  it.each(['Idempotency-Key:', 'Idempotency-Key: a b', `Idempotency-Key: ${'k'.repeat(256)}`])(
    'refuses an Idempotency-Key that is none: %s',
    async (header) => {
      const answer = await post('/v1/keys', { name: 'n', scopes: [] }, [header]);
      expect(answer.json()).toMatchObject({ status: 400, errors: [{ field: 'Idempotency-Key' }] });
    },
  );
});

describe('POST /v1/keys/{keyId}/rotate and …/revoke', () => {
  it('rotates with what is asked, and with the defaults where nothing is', async () => {
    hold('key_1');
    const answer = await post('/v1/keys/key_1/rotate', { graceSeconds: 0, retirePrevious: true });
    expect(answer.json()).toMatchObject({ key: { id: 'key_1' }, secret: null });
    expect((await post('/v1/keys/key_1/rotate')).status).toBe(200);
    expect(api.keyManagement.changes.map(({ wish }) => wish)).toEqual([
      { graceSeconds: 0, retirePrevious: true },
      { graceSeconds: undefined, retirePrevious: false },
    ]);
  });

  it.each([
    { graceSeconds: -1 },
    { graceSeconds: 2_592_001 },
    { graceSeconds: '1' },
    { retirePrevious: 'yes' },
  ])('refuses %j and names the field', async (body) => {
    const answer = await post('/v1/keys/key_1/rotate', body);
    const problem = answer.json() as { errors: { field: string }[] };
    expect(problem).toMatchObject({ status: 400, code: 'INVALID_REQUEST' });
    expect(new Set(problem.errors.map(({ field }) => field))).toEqual(new Set(Object.keys(body)));
    expect(api.keyManagement.changes).toHaveLength(0);
  });

  it('revokes with a reason or without', async () => {
    hold('key_1');
    const answer = await post('/v1/keys/key_1/revoke', { reason: 'leaked' });
    expect(answer.json()).toMatchObject({ key: { id: 'key_1', status: 'revoked' } });
    await post('/v1/keys/key_1/revoke');
    expect(api.keyManagement.changes.map(({ wish }) => wish)).toEqual([
      { reason: 'leaked' },
      { reason: null },
    ]);
  });

  it('answers 200 when the change holds everywhere', async () => {
    hold('key_1');
    const enforced = {
      status: 'enforced',
      revision: 'r',
      via: 'acks',
      waitedMs: 12,
      verifiers: { acked: 3, expired: 0 },
    };
    for (const verb of ['revoke', 'rotate']) {
      const answer = await post(`/v1/keys/key_1/${verb}`);
      expect([answer.status, answer.json()]).toMatchObject([200, { ...enforced, key: { id: 'key_1' } }]);
    }
    const status = await api.send('GET', '/v1/enforcements/r');
    expect([status.status, status.json()]).toEqual([200, enforced]);
    expect((await api.send('GET', '/v1/enforcements/other')).status).toBe(404);
  });

  it.each([
    ['respond-async', 0],
    ['wait=3', 3],
  ])('answers 202 with where to ask, where less is to be waited: %s', async (prefer, seconds) => {
    hold('key_1');
    api.keyManagement.enforcedAfterSeconds = 10;
    for (const verb of ['revoke', 'rotate']) {
      const answer = await post(`/v1/keys/key_1/${verb}`, undefined, [`Prefer: ${prefer}`]);
      expect([answer.status, answer.json()]).toMatchObject([
        202,
        { status: 'committed', revision: 'r', enforcedBy: '2026-11-22T00:00:10.000Z', key: { id: 'key_1' } },
      ]);
      expect(answer.headers).toMatchObject({
        location: '/v1/enforcements/r',
        'preference-applied': prefer,
      });
    }
    expect(api.keyManagement.waits).toEqual([seconds, seconds]);
  });

  it('never waits for longer than clients wait for an answer', async () => {
    hold('key_1');
    api.keyManagement.enforcedAfterSeconds = 1000;
    const answer = await post('/v1/keys/key_1/revoke', undefined, ['Prefer: wait=900']);
    expect([answer.status, answer.headers['preference-applied']]).toEqual([202, undefined]);
    expect((await post('/v1/keys/key_1/revoke')).status).toBe(202);
    expect(api.keyManagement.waits).toEqual([50, 50]);
  });

  it.each(['key_none', 'no%20id', '%2e%2e', 'k'.repeat(65), ''])(
    'is 404 for what is no key: %s',
    async (keyId) => {
      expect((await post(`/v1/keys/${keyId}/rotate`)).status).toBe(404);
      expect((await post(`/v1/keys/${keyId}/revoke`)).status).toBe(404);
    },
  );
});
