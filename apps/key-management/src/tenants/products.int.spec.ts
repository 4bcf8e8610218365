import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { GrpcClient } from '../grpc-client.contract.js';
import { ServedForSuite } from '../served-key-management.contract.js';

jest.setTimeout(60_000);

describe('a tenant’s product', () => {
  const served = new ServedForSuite();
  const grpc = new GrpcClient(served);
  let tenantId: string;
  let tenant: string;

  beforeEach(() => {
    tenantId = `t-${randomUUID()}`;
    tenant = `/v1/tenants/${tenantId}`;
  });

  const register = (profile: string, more: object = {}) =>
    served.ask('PUT', tenant, { body: { profile, ...more } });
  const create = (more: object = {}) =>
    served.ask('POST', `${tenant}/keys`, { body: { name: 'k', environment: 'live', ...more } });

  it('is set once, and its plan may change', async () => {
    const first = await register('synaptiq');
    expect([first.status, first.body.profile, first.body.plan]).toEqual([201, 'synaptiq', 'starter']);
    const again = await served.ask('PUT', tenant, { body: { plan: 'pro', name: 'B' } });
    expect([again.status, again.body.plan, again.body.name]).toEqual([200, 'pro', 'B']);
    const other = await register('sydx');
    expect([other.status, other.body.code]).toEqual([409, 'PROFILE_FIXED']);
    for (const [field, wish] of [
      ['plan', { plan: 'gold' }],
      ['profile', { profile: 'Synaptiq' }],
    ] as const) {
      const refused = await served.ask('PUT', tenant, { body: wish });
      expect([refused.status, refused.body.errors[0].field]).toEqual([400, field]);
    }
    expect((await served.ask('GET', tenant)).body).toMatchObject({ profile: 'synaptiq', plan: 'pro' });
  });

  it('is the default one where none is named, and must be one that there is', async () => {
    expect((await served.ask('PUT', tenant, { body: {} })).body).toMatchObject({
      profile: 'default',
      plan: null,
    });
    const unknown = await served.ask('PUT', `${tenant}-2`, { body: { profile: 'nobody' } });
    expect([unknown.status, unknown.body.errors[0].field]).toEqual([400, 'profile']);
  });

  it('decides what a key is made of, each of its mistakes named', async () => {
    await register('synaptiq');
    const wrong = await create({ environment: 'live', scopes: ['read', 'write'] });
    expect([wrong.status, wrong.body.errors.map(({ field }: { field: string }) => field)]).toEqual([
      400,
      ['scopes'],
    ]);
    const { body } = await create({ environment: 'test', scopes: ['read'] });
    expect(body.secret).toMatch(/^sk_test_[a-z0-9]{30}$/);
    expect(body.key.hint).toEqual({ start: 'sk_test_', end: body.secret.slice(-4) });
    expect(body.key.requestsPerMinute).toBeNull();
  });

  it('decides what an import may say', async () => {
    await register('seyn');
    const digest = randomUUID().replaceAll('-', '').repeat(2);
    const wish = { name: 'k', environment: 'live', digest, attestedEntropyBits: 160 };
    const imported = (more: object) =>
      served.ask('POST', `${tenant}/keys/import`, { body: { ...wish, ...more } });
    const wrong = await imported({
      hintStart: 'sk_live_f',
      hintEnd: 'bd44',
      expiresAt: '2030-01-01T00:00:00Z',
    });
    expect([wrong.status, wrong.body.errors.map(({ field }: { field: string }) => field).toSorted()]).toEqual(
      [400, ['expiresAt', 'hintEnd', 'hintStart']],
    );
    const right = await imported({ hintStart: 'sk_live_' });
    expect([right.status, right.body.key.scopes]).toEqual([201, ['read']]);
  });

  it('holds its most active keys under 50 creates at once', async () => {
    await register('sydx');
    const answers = await Promise.all(Array.from({ length: 50 }, () => create()));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(10);
    expect(new Set(answers.filter(({ status }) => status !== 201).map(({ body }) => body.code))).toEqual(
      new Set(['ACTIVE_KEY_LIMIT']),
    );
  });

  it('shows the keys that it lists, and all to who asks for them by status', async () => {
    await register('sydx');
    const [kept, gone] = [(await create()).body.key.id, (await create()).body.key.id];
    await served.ask('POST', `${tenant}/keys/${gone}/revoke`);
    const listed = async (query: string) =>
      (await served.ask('GET', `${tenant}/keys${query}`)).body.data.map(({ id }: { id: string }) => id);
    expect(await listed('')).toEqual([kept]);
    expect(await listed('?status=revoked')).toEqual([gone]);
    expect(await listed('?status=active,expired,revoked')).toEqual([gone, kept]);
    expect((await served.ask('GET', `${tenant}/keys?status=gone`)).status).toBe(400);
    const page = await listed('?status=active,revoked&limit=1');
    expect(page).toEqual([gone]);
  });

  it('lets the limit of a key be set and taken back, as a fact of its history', async () => {
    await register('seyn');
    const { id } = (await create()).body.key;
    const limit = (requestsPerMinute: unknown) =>
      served.ask('PUT', `${tenant}/keys/${id}/rate-limit`, { body: { requestsPerMinute } });
    expect((await limit(600)).body.key.requestsPerMinute).toBe(600);
    expect((await limit(600)).status).toBe(200);
    expect((await limit(null)).body.key.requestsPerMinute).toBeNull();
    for (const wrong of [0, -1, 1.5, 1_000_001, '60', undefined]) {
      expect([wrong, (await limit(wrong)).status]).toEqual([wrong, 400]);
    }
    const { data } = (await served.ask('GET', `${tenant}/keys/${id}/events`)).body;
    expect(data.map(({ type }: { type: string }) => type)).toEqual([
      'KeyCreated',
      'RateLimitChanged',
      'RateLimitChanged',
    ]);
    await served.ask('POST', `${tenant}/keys/${id}/revoke`);
    expect((await limit(1)).body.code).toBe('KEY_REVOKED');
  });

  it('refuses changes that it does not allow, of keys that are there', async () => {
    await register('seyn');
    const { id } = (await create()).body.key;
    const on = (keyId: string) => `${tenant}/keys/${keyId}`;
    const patch = await served.ask('PATCH', on(id), { body: { name: 'other' } });
    const rotate = await served.ask('POST', `${on(id)}/rotate`);
    expect([patch.body.code, rotate.body.code]).toEqual(['CHANGE_NOT_ALLOWED', 'CHANGE_NOT_ALLOWED']);
    const absent = await served.ask('PATCH', on(`key_${'0'.repeat(30)}`), { body: { name: 'other' } });
    expect(absent.body.code).toBe('KEY_NOT_FOUND');
  });

  it('is followed over gRPC: scopes by default, statuses of a list, and an early end of a grace period', async () => {
    await register('synaptiq');
    await expect(grpc.create(tenantId, { scopes: [], defaultScopes: true })).rejects.toMatchObject({
      details: expect.stringContaining('scopes'),
    });
    const { key, secret } = await grpc.create(tenantId, { scopes: ['admin'] });
    expect(secret).toMatch(/^sk_live_/);
    const keyId = key?.id ?? '';
    await grpc.rotate(tenantId, keyId, {});
    const retire = {
      tenantId,
      keyId,
      actor: undefined,
      ceiling: undefined,
      idempotencyKey: '',
      waitSeconds: undefined,
    };
    const retired = await grpc.call(grpc.client.retirePreviousSecret.bind(grpc.client), retire);
    expect([retired.enforcement?.status, retired.key?.previousSecretValidUntil]).toEqual([
      'enforced',
      undefined,
    ]);
    const list = (statuses: string[]) => grpc.list(tenantId, { statuses });
    expect((await list([])).keys).toHaveLength(1);
    expect((await list(['revoked'])).keys).toHaveLength(0);
  });
});
