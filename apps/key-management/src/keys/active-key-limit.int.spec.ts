import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import pg from 'pg';
import type { RunningService } from '#libs/service-kit/serve';
import { eventually } from '#libs/testing/eventually';
import {
  type Answer,
  ask,
  createKeysDatabase,
  keyBody,
  type KeysDatabase,
  registerTenant,
  serveKeyManagement,
} from '../served-key-management.contract.js';

jest.setTimeout(60_000);

describe('maxActiveKeys', () => {
  let database: KeysDatabase;
  let service: RunningService;
  let other: RunningService;
  let admin: pg.Client;

  beforeAll(async () => {
    database = await createKeysDatabase();
    // Both start at once on an empty database.
    [service, other] = await Promise.all([serveKeyManagement(database), serveKeyManagement(database)]);
    admin = new pg.Client({ connectionString: database.adminUrl });
    await admin.connect();
  });

  afterAll(async () => {
    await service.close();
    await other.close();
    await admin.end();
    await database.drop();
  });

  function create(tenantId: string, more: object = {}, at = service): Promise<Answer> {
    return ask(at, 'POST', `/v1/tenants/${tenantId}/keys`, { body: keyBody(more) });
  }

  const change = (tenantId: string, keyId: string, body: object) =>
    ask(service, 'PATCH', `/v1/tenants/${tenantId}/keys/${keyId}`, { body });

  function outcomes(answers: readonly Answer[]): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const { status, body } of answers) {
      const outcome = `${status} ${body.code ?? ''}`.trim();
      counts[outcome] = (counts[outcome] ?? 0) + 1;
    }
    return counts;
  }

  /** The keys that count, and what the tenant's row says of them. */
  async function counted(tenantId: string): Promise<{ keys: number; row: number }> {
    const { rows } = await admin.query(
      `select (select count(*)::int from keys.keys where tenant_id = $1 and state->>'status' = 'active'
                 and (expires_at is null or expires_at > now())) as keys,
              (select active_keys from keys.tenants where tenant_id = $1) as row`,
      [tenantId],
    );
    return rows[0];
  }

  const soon = () => new Date(Date.now() + 2500).toISOString();

  async function untilExpired(tenantId: string, keyId: string): Promise<void> {
    await eventually(async () => {
      const { body } = await ask(service, 'GET', `/v1/tenants/${tenantId}/keys/${keyId}`);
      expect(body.key.status).toBe('expired');
      const { rows } = await admin.query(
        'select 1 from keys.keys where key_id = $1 and expires_at <= now()',
        [keyId],
      );
      expect(rows).toHaveLength(1);
    });
  }

  it('is held exactly by 50 creates at once', async () => {
    const tenantId = await registerTenant(service, 10);
    const answers = await Promise.all(Array.from({ length: 50 }, () => create(tenantId)));
    expect(outcomes(answers)).toEqual({ '201': 10, '409 ACTIVE_KEY_LIMIT': 40 });
    expect(await counted(tenantId)).toEqual({ keys: 10, row: 10 });
  });

  it('is held exactly by 50 creates at once over two instances, for each of several tenants', async () => {
    const tenantIds = await Promise.all([7, 7, 7, 7].map((max) => registerTenant(service, max)));
    const answers = await Promise.all(
      tenantIds.map((tenantId) =>
        Promise.all(
          Array.from({ length: 50 }, (_, i) => create(tenantId, {}, i % 2 === 0 ? service : other)),
        ),
      ),
    );
    for (const [i, tenantId] of tenantIds.entries()) {
      expect(outcomes(answers[i] ?? [])).toEqual({ '201': 7, '409 ACTIVE_KEY_LIMIT': 43 });
      expect(await counted(tenantId)).toEqual({ keys: 7, row: 7 });
    }
  });

  it('holds while keys are made, revoked, expired and brought back at once on two instances', async () => {
    const tenantId = await registerTenant(service, 5);
    await Promise.all(
      Array.from({ length: 40 }, async (_, i) => {
        const at = i % 2 === 0 ? service : other;
        const { status, body } = await create(tenantId, i % 3 === 0 ? { expiresAt: soon() } : {}, at);
        if (status !== 201) return;
        const path = `/v1/tenants/${tenantId}/keys/${body.key.id}`;
        if (i % 4 === 0) await ask(at, 'POST', `${path}/revoke`);
        if (i % 4 === 1) await ask(at, 'PATCH', path, { body: { expiresAt: soon() } });
        if (i % 4 === 2) await ask(at, 'POST', `${path}/rotate`);
        const { keys } = await counted(tenantId);
        expect(keys).toBeLessThanOrEqual(5);
      }),
    );
    const { keys, row } = await counted(tenantId);
    expect(row).toBeGreaterThanOrEqual(keys);
    expect(row).toBeLessThanOrEqual(5);
  });

  it('counts neither revoked nor expired keys', async () => {
    const tenantId = await registerTenant(service, 2);
    const { body: revoked } = await create(tenantId);
    const { body: expiring } = await create(tenantId, { expiresAt: '2099-01-01T00:00:00Z' });
    expect(outcomes([await create(tenantId)])).toEqual({ '409 ACTIVE_KEY_LIMIT': 1 });
    await ask(service, 'POST', `/v1/tenants/${tenantId}/keys/${revoked.key.id}/revoke`);
    expect((await create(tenantId)).status).toBe(201);
    expect((await create(tenantId)).status).toBe(409);
    await admin.query('update keys.keys set expires_at = now() where key_id = $1', [expiring.key.id]);
    expect((await create(tenantId)).status).toBe(201);
    expect((await create(tenantId)).status).toBe(409);
    expect(await counted(tenantId)).toEqual({ keys: 2, row: 2 });
  });

  it('gives the place of an expired key to exactly one of many', async () => {
    const tenantId = await registerTenant(service, 1);
    const { body } = await create(tenantId, { expiresAt: soon() });
    await untilExpired(tenantId, body.key.id);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => create(tenantId, {}, i % 2 === 0 ? service : other)),
    );
    expect(outcomes(answers)).toEqual({ '201': 1, '409 ACTIVE_KEY_LIMIT': 19 });
    expect(await counted(tenantId)).toEqual({ keys: 1, row: 1 });
  });

  it('counts a key that is brought back to life', async () => {
    const tenantId = await registerTenant(service, 1);
    const { body: first } = await create(tenantId, { expiresAt: soon() });
    await untilExpired(tenantId, first.key.id);
    const { body: second } = await create(tenantId);
    const refused = await change(tenantId, first.key.id, { expiresAt: null });
    expect([refused.status, refused.body.code]).toEqual([409, 'ACTIVE_KEY_LIMIT']);
    expect((await change(tenantId, first.key.id, { name: 'renamed' })).status).toBe(200);
    await ask(service, 'POST', `/v1/tenants/${tenantId}/keys/${second.key.id}/revoke`);
    expect((await change(tenantId, first.key.id, { expiresAt: null })).body.key.status).toBe('active');
    expect((await create(tenantId)).status).toBe(409);
    expect(await counted(tenantId)).toEqual({ keys: 1, row: 1 });
  });

  it('counts imported keys, and not those whose digest was taken', async () => {
    const tenantId = await registerTenant(service, 1);
    const digest = randomUUID().replaceAll('-', '').repeat(2);
    const body = keyBody({ digest, attestedEntropyBits: 112 });
    const path = `/v1/tenants/${tenantId}/keys/import`;
    const answers = await Promise.all(Array.from({ length: 5 }, () => ask(service, 'POST', path, { body })));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(await counted(tenantId)).toEqual({ keys: 1, row: 1 });
    const { body: again } = await ask(service, 'POST', path, { body });
    expect(again.code).toBe('DIGEST_TAKEN');
  });

  it('may be lowered below what there is: keys stay, and none is added', async () => {
    const tenantId = await registerTenant(service, 3);
    const { body } = await create(tenantId);
    await create(tenantId);
    await ask(service, 'PUT', `/v1/tenants/${tenantId}`, { body: { maxActiveKeys: 1 } });
    expect((await create(tenantId)).status).toBe(409);
    expect((await change(tenantId, body.key.id, { name: 'still mine' })).status).toBe(200);
    expect((await ask(service, 'POST', `/v1/tenants/${tenantId}/keys/${body.key.id}/rotate`)).status).toBe(
      200,
    );
    await ask(service, 'PUT', `/v1/tenants/${tenantId}`, { body: { maxActiveKeys: 3 } });
    expect((await create(tenantId)).status).toBe(201);
  });

  it('may be none', async () => {
    const tenantId = await registerTenant(service, 0);
    expect((await create(tenantId)).status).toBe(409);
  });
});
