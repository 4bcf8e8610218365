import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import pg from 'pg';
import type { RunningService } from '#libs/service-kit/serve';
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

describe('Idempotency-Key', () => {
  let database: KeysDatabase;
  let service: RunningService;
  let other: RunningService;
  let admin: pg.Client;
  let tenantId: string;
  let keys: string;

  beforeAll(async () => {
    database = await createKeysDatabase();
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

  beforeEach(async () => {
    tenantId = await registerTenant(service);
    keys = `/v1/tenants/${tenantId}/keys`;
  });

  const wish = (method: string, path: string, key: string, body?: object, at = service): Promise<Answer> =>
    ask(at, method, path, { body, headers: { 'idempotency-key': key } });

  const listed = async () => (await ask(service, 'GET', keys)).body.data;
  const historyOf = async (keyId: string): Promise<string[]> =>
    (await ask(service, 'GET', `${keys}/${keyId}/events`)).body.data.map(
      ({ type }: { type: string }) => type,
    );

  it('answers a repetition with the same key and no secret, from any instance', async () => {
    const first = await wish('POST', keys, 'k', keyBody());
    expect(first.body.secret).toMatch(/^lk_live_/);
    for (const at of [service, other]) {
      const again = await wish('POST', keys, 'k', keyBody(), at);
      expect({ status: again.status, body: again.body }).toEqual({
        status: 201,
        body: { ...first.body, secret: null },
      });
    }
    expect(await listed()).toEqual([first.body.key]);
  });

  it('answers what was true then, also when the key has changed since', async () => {
    const first = await wish('POST', keys, 'k', keyBody());
    await ask(service, 'POST', `${keys}/${first.body.key.id}/revoke`);
    const again = await wish('POST', keys, 'k', keyBody());
    expect(again.body.key).toEqual(first.body.key);
  });

  it('makes one key of many wishes at once, whichever instance they reach', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => wish('POST', keys, 'k', keyBody(), i % 2 === 0 ? service : other)),
    );
    expect(answers.filter(({ body }) => typeof body.secret === 'string')).toHaveLength(1);
    const [key] = await listed();
    for (const { status, body } of answers) {
      if (status === 201) expect(body.key).toEqual(key);
      else expect([status, body.code]).toEqual([409, 'IDEMPOTENCY_KEY_IN_USE']);
    }
    expect(await listed()).toHaveLength(1);
  });

  it('is 409 while the first wish is running', async () => {
    const blocker = new pg.Client({ connectionString: database.adminUrl });
    await blocker.connect();
    await blocker.query('begin');
    await blocker.query('select 1 from keys.tenants where tenant_id = $1 for update', [tenantId]);
    const first = wish('POST', keys, 'k', keyBody());
    const second = await wish('POST', keys, 'k', keyBody());
    expect([second.status, second.body.code]).toEqual([409, 'IDEMPOTENCY_KEY_IN_USE']);
    await blocker.query('commit');
    await blocker.end();
    expect((await first).status).toBe(201);
    expect((await wish('POST', keys, 'k', keyBody())).body.secret).toBeNull();
  });

  it('is 422 with another body', async () => {
    await wish('POST', keys, 'k', keyBody());
    const { status, body } = await wish('POST', keys, 'k', keyBody({ name: 'another' }));
    expect([status, body.code]).toEqual([422, 'IDEMPOTENCY_KEY_REUSED']);
    expect(await listed()).toHaveLength(1);
  });

  it('is another wish for another tenant and on another route', async () => {
    const { body } = await wish('POST', keys, 'k', keyBody());
    const elsewhere = `/v1/tenants/${await registerTenant(service)}/keys`;
    expect((await wish('POST', elsewhere, 'k', keyBody())).body.secret).toMatch(/^lk_/);
    const rotated = await wish('POST', `${keys}/${body.key.id}/rotate`, 'k');
    expect(rotated.body.secret).toMatch(/^lk_/);
    expect((await wish('POST', `${keys}/${body.key.id}/revoke`, 'k')).status).toBe(200);
  });

  it('lets a rotation happen once', async () => {
    const { body } = await ask(service, 'POST', keys, { body: keyBody() });
    const path = `${keys}/${body.key.id}/rotate`;
    const first = await wish('POST', path, 'k', { graceSeconds: 60 });
    const again = await wish('POST', path, 'k', { graceSeconds: 60 }, other);
    expect(again.body).toEqual({ ...first.body, secret: null });
    expect((await wish('POST', path, 'k', { graceSeconds: 61 })).status).toBe(422);
    expect(await historyOf(body.key.id)).toEqual(['KeyCreated', 'KeyRotated']);
  });

  it('keeps a wish that led to nothing, so that repeating it later still does nothing', async () => {
    const { body } = await ask(service, 'POST', keys, { body: keyBody({ name: 'a' }) });
    const path = `${keys}/${body.key.id}`;
    const first = await wish('PATCH', path, 'k', { name: 'a' });
    await ask(service, 'PATCH', path, { body: { name: 'b' } });
    const again = await wish('PATCH', path, 'k', { name: 'a' });
    expect([again.status, again.body]).toEqual([200, first.body]);
    expect((await ask(service, 'GET', path)).body.key.name).toBe('b');
    expect((await wish('PATCH', path, 'k', { name: 'c' })).status).toBe(422);
  });

  it('does not keep a refusal: the wish may succeed when it is repeated', async () => {
    const full = await registerTenant(service, 0);
    const path = `/v1/tenants/${full}/keys`;
    expect((await wish('POST', path, 'k', keyBody())).status).toBe(409);
    await ask(service, 'PUT', `/v1/tenants/${full}`, { body: { maxActiveKeys: 1 } });
    expect((await wish('POST', path, 'k', keyBody())).body.secret).toMatch(/^lk_/);
    expect((await wish('POST', path, 'k', keyBody())).body.secret).toBeNull();
  });

  it('is forgotten after 24 hours', async () => {
    const first = await wish('POST', keys, 'k', keyBody());
    const age = (hours: number) =>
      admin.query(
        `update keys.idempotency set recorded_at = now() - make_interval(mins => $2) where scope like '%' || $1 || '%'`,
        [tenantId, hours * 60],
      );
    await age(23);
    expect((await wish('POST', keys, 'k', keyBody())).body.key.id).toBe(first.body.key.id);
    await age(25);
    const anew = await wish('POST', keys, 'k', keyBody());
    expect(anew.body.secret).toMatch(/^lk_/);
    expect(anew.body.key.id).not.toBe(first.body.key.id);
    expect((await wish('POST', keys, 'k', keyBody())).body).toEqual({ ...anew.body, secret: null });
  });
});
