import { createHash, randomUUID } from 'node:crypto';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import pg from 'pg';
import type { SealedRecord } from '#libs/contracts';
import { GetKeyRequest } from '#libs/contracts/gen/latchkey/v1/key_management_service';
import { RecordSeal } from '#libs/key-view';
import { GrpcClient, refusal } from '../grpc-client.contract.js';
import {
  type Answer,
  ask,
  ServedForSuite,
  serveKeyManagement,
  TOKENS,
} from '../served-key-management.contract.js';

jest.setTimeout(60_000);

const seal = new RecordSeal([{ id: '1', key: Buffer.alloc(32, 7) }]);

describe('the keys of a product', () => {
  const served = new ServedForSuite();
  const grpc = new GrpcClient(served);
  let tenantId: string;
  let tenant: string;

  beforeEach(() => {
    tenantId = `org_${randomUUID()}`;
    tenant = `/v1/tenants/${tenantId}`;
  });

  const register = (profile: string, more: object = {}): Promise<Answer> =>
    served.ask('PUT', tenant, { body: { profile, ...more } });
  const create = (more: object = {}): Promise<Answer> =>
    served.ask('POST', `${tenant}/keys`, { body: { name: 'k', environment: 'live', ...more } });
  const revoke = (keyId: string): Promise<Answer> => served.ask('POST', `${tenant}/keys/${keyId}/revoke`);

  it('of sydx name their tenant, show their last 4 characters alone and never expire', async () => {
    await register('sydx');
    const { status, body } = await create();
    expect(status).toBe(201);
    expect(body.secret).toMatch(new RegExp(`^sydx_${tenantId}_[a-z0-9]{40}$`));
    expect(body.key).toMatchObject({
      scopes: ['read', 'write'],
      hint: { start: '', end: body.secret.slice(-4) },
      expiresAt: null,
    });
    const refused = await create({ expiresAt: '2099-01-01T00:00:00Z' });
    expect([refused.status, refused.body.errors[0].field]).toEqual([400, 'expiresAt']);
  });

  it('of sydx have all scopes over gRPC where the default ones are asked for, and no others named besides', async () => {
    await register('sydx');
    const { key } = await grpc.create(tenantId, { scopes: [], defaultScopes: true });
    expect(key?.scopes).toEqual(['read', 'write']);
    const both = grpc.create(tenantId, { scopes: ['read'], defaultScopes: true });
    expect(await refusal(both)).toEqual(['INVALID_ARGUMENT', 'INVALID_REQUEST', 'scopes']);
  });

  it('of sydx are 10, and a revoked one frees its place', async () => {
    await register('sydx');
    const made = await Promise.all(Array.from({ length: 10 }, () => create()));
    expect((await create()).body.code).toBe('ACTIVE_KEY_LIMIT');
    await revoke(made[0]?.body.key.id);
    expect((await create()).status).toBe(201);
    expect((await create()).body.code).toBe('ACTIVE_KEY_LIMIT');
    const more = await served.ask('PUT', tenant, { body: { maxActiveKeys: 11 } });
    expect([more.status, more.body.errors[0].field]).toEqual([400, 'maxActiveKeys']);
  });

  it('of seyn show what all begin with, and nothing of them changes but their limit', async () => {
    await register('seyn');
    const { body } = await create();
    expect(body.secret).toMatch(/^sk_live_[0-9a-f]{40}$/);
    expect(body.key.hint).toEqual({ start: 'sk_live_', end: '' });
    const key = `${tenant}/keys/${body.key.id}`;
    for (const [method, path, wish] of [
      ['PATCH', key, { name: 'other' }],
      ['PATCH', key, { scopes: ['read'] }],
      ['PATCH', key, { expiresAt: '2099-01-01T00:00:00Z' }],
      ['PATCH', key, { metadata: {} }],
      ['POST', `${key}/rotate`, { graceSeconds: 0 }],
      ['POST', `${key}/retire-previous-secret`, undefined],
    ] as const) {
      const answer = await served.ask(method, path, { body: wish });
      expect([path, wish, answer.status, answer.body.code]).toEqual([path, wish, 409, 'CHANGE_NOT_ALLOWED']);
    }
    const limited = await served.ask('PUT', `${key}/rate-limit`, { body: { requestsPerMinute: 600 } });
    expect([limited.status, limited.body.key.requestsPerMinute]).toEqual([200, 600]);
    expect((await served.ask('GET', key)).body.key).toMatchObject({ name: 'k', requestsPerMinute: 600 });
  });

  it('of synaptiq have a grace period of a day at a rotation that names none', async () => {
    await register('synaptiq');
    const { body } = await create({ scopes: ['read'] });
    const askedAtMs = Date.now();
    const rotated = await served.ask('POST', `${tenant}/keys/${body.key.id}/rotate`, { body: {} });
    const graceMs = Date.parse(rotated.body.key.previousSecretValidUntil) - askedAtMs;
    expect(Math.round(graceMs / 3_600_000)).toBe(24);
    expect(rotated.body.secret).toMatch(/^sk_live_[a-z0-9]{30}$/);
  });

  it('tell services and verifiers their own limit, and the product and plan of their tenant', async () => {
    await register('synaptiq');
    const { key, secret } = await grpc.create(tenantId, { scopes: ['write'] });
    const keyId = key?.id as string;
    expect(key?.requestsPerMinute).toBeUndefined();
    await served.ask('PUT', `${tenant}/keys/${keyId}/rate-limit`, { body: { requestsPerMinute: 7 } });
    await register('synaptiq', { plan: 'pro' });
    const get = GetKeyRequest.fromPartial({ tenantId, keyId });
    const read = await grpc.call(grpc.client.getKey.bind(grpc.client), get);
    expect(read.key?.requestsPerMinute).toBe(7);

    const digest = createHash('sha256').update(secret).digest('hex');
    const find = grpc.client.findSecretRecord.bind(grpc.client);
    const found = await grpc.call(find, { digest }, TOKENS.project);
    expect(seal.open({ kind: 'secret', id: digest }, found.secret as SealedRecord)).toMatchObject({
      requestsPerMinute: 7,
      version: 2,
    });
    expect(seal.open({ kind: 'tenant', id: tenantId }, found.tenant as SealedRecord)).toMatchObject({
      profile: 'synaptiq',
      plan: 'pro',
      version: 2,
    });
  });

  it('are fenced within their product: limits and plans as hints, a revocation as a restriction', async () => {
    await register('synaptiq');
    const { id } = (await create({ scopes: ['read'] })).body.key;
    await served.ask('PUT', `${tenant}/keys/${id}/rate-limit`, { body: { requestsPerMinute: 7 } });
    await register('synaptiq', { plan: 'pro' });
    await revoke(id);
    const admin = new pg.Client({ connectionString: served.database.adminUrl });
    await admin.connect();
    const { rows } = await admin.query(
      'select subject, kind, profile from keys.fence_log where subject = any($1) order by seq',
      [[`key-${id}`, `tenant-${tenantId}`]],
    );
    await admin.end();
    expect(rows.map(({ subject, kind, profile }) => [subject, kind, profile])).toEqual([
      [`key-${id}`, 'HINT', 'synaptiq'],
      [`tenant-${tenantId}`, 'HINT', 'synaptiq'],
      [`key-${id}`, 'KEY', 'synaptiq'],
    ]);
  });
});

describe('the key of an environment that its product no longer has', () => {
  const all = new ServedForSuite();

  it('is not rotated, says so, and can be revoked', async () => {
    const tenantId = `t-${randomUUID()}`;
    const keys = `/v1/tenants/${tenantId}/keys`;
    await all.ask('PUT', `/v1/tenants/${tenantId}`, { body: { profile: 'sydnee' } });
    const { body } = await all.ask('POST', keys, { body: { name: 'k', environment: 'test' } });
    const directory = await mkdtemp(join(tmpdir(), 'profiles-'));
    await cp('deploy/profiles', directory, { recursive: true });
    const sydnee = await readFile('deploy/profiles/sydnee.yaml', 'utf8');
    const liveAlone = sydnee.replace(
      'environments: { live: live, test: test }',
      'environments: { live: live }',
    );
    expect(liveAlone).not.toBe(sydnee);
    await writeFile(join(directory, 'sydnee.yaml'), liveAlone);
    const fewer = await serveKeyManagement(all.database, { LATCHKEY_PROFILES_DIR: directory });
    try {
      const refused = await ask(fewer, 'POST', `${keys}/${body.key.id}/rotate`, {
        body: { graceSeconds: 0 },
      });
      expect([refused.status, refused.body.code]).toEqual([409, 'CHANGE_NOT_ALLOWED']);
      const revoked = await ask(fewer, 'POST', `${keys}/${body.key.id}/revoke`);
      expect([revoked.status, revoked.body.status]).toEqual([200, 'enforced']);
    } finally {
      await fewer.close();
      await rm(directory, { recursive: true });
    }
  });
});

describe('the key of a tenant whose product the deployment does not have', () => {
  const all = new ServedForSuite();

  it('can be revoked, and no new one is made', async () => {
    const tenantId = `t-${randomUUID()}`;
    const keys = `/v1/tenants/${tenantId}/keys`;
    await all.ask('PUT', `/v1/tenants/${tenantId}`, { body: { profile: 'sydx' } });
    const { body } = await all.ask('POST', keys, { body: { name: 'k', environment: 'live' } });
    const fewer = await serveKeyManagement(all.database, { LATCHKEY_PROFILES: 'default' });
    try {
      const refused = await ask(fewer, 'POST', keys, { body: { name: 'k', environment: 'live' } });
      expect([refused.status, refused.body.errors[0].field]).toEqual([400, 'tenantId']);
      const revoked = await ask(fewer, 'POST', `${keys}/${body.key.id}/revoke`);
      expect([revoked.status, revoked.body.status]).toEqual([200, 'enforced']);
    } finally {
      await fewer.close();
    }
  });
});
