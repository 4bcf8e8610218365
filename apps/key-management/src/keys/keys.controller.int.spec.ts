import { createHash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import pg from 'pg';
import type { RunningService } from '#libs/service-kit/serve';
import {
  type Answer,
  ask,
  type Asked,
  createKeysDatabase,
  keyBody,
  type KeysDatabase,
  registerTenant,
  serveKeyManagement,
} from '../served-key-management.contract.js';

jest.setTimeout(60_000);

const SECRET = /^lk_live_[0-9A-Za-z]{39}$/;
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

describe('the keys of a tenant over HTTP', () => {
  let database: KeysDatabase;
  let service: RunningService;
  let tenantId: string;
  let keys: string;

  beforeAll(async () => {
    database = await createKeysDatabase();
    service = await serveKeyManagement(database, { LATCHKEY_TRUSTED_PROXIES: '127.0.0.1' });
  });

  afterAll(async () => {
    await service.close();
    await database.drop();
  });

  beforeEach(async () => {
    tenantId = await registerTenant(service);
    keys = `/v1/tenants/${tenantId}/keys`;
  });

  const call = (method: string, path: string, asked?: Asked) => ask(service, method, path, asked);

  async function create(more: object = {}): Promise<Answer['body']> {
    const { status, body } = await call('POST', keys, { body: keyBody(more) });
    expect(status).toBe(201);
    return body;
  }

  const digest = (text: string) => ({ digest: sha256(text), attestedEntropyBits: 128 });

  describe('creating', () => {
    it('answers 201 with the key and its secret, and shows the secret nowhere else', async () => {
      const body = {
        name: 'nightly',
        scopes: ['read'],
        expiresAt: '2030-01-01T01:00:00+01:00',
        metadata: { a: [1] },
      };
      const { key, secret } = await create(body);
      expect(secret).toMatch(SECRET);
      expect(key).toEqual({
        id: expect.stringMatching(/^key_[0-9a-f]{30}$/),
        tenantId,
        name: 'nightly',
        environment: 'live',
        scopes: ['read'],
        status: 'active',
        hint: { start: secret.slice(0, 12), end: secret.slice(-4) },
        metadata: { a: [1] },
        createdAt: expect.stringMatching(/^\d{4}-.*Z$/),
        expiresAt: '2030-01-01T00:00:00.000Z',
        revokedAt: null,
        secretGeneration: 1,
        previousSecretValidUntil: null,
        revision: expect.any(String),
      });
      const read = await call('GET', `${keys}/${key.id}`);
      expect({ status: read.status, body: read.body }).toEqual({ status: 200, body: { key } });
      const shown = await Promise.all(
        [keys, `${keys}/${key.id}`, `${keys}/${key.id}/events`].map((path) => call('GET', path)),
      );
      for (const { text } of shown) {
        expect(text).not.toContain(secret);
        expect(text).not.toContain(sha256(secret));
      }
    });

    it('gives test keys secrets that say so', async () => {
      expect((await create({ environment: 'test' })).secret).toMatch(/^lk_test_/);
    });

    it('is 404 for a tenant that is not there', async () => {
      const answer = await call('POST', '/v1/tenants/nobody/keys', { body: keyBody() });
      expect([answer.status, answer.body.code]).toEqual([404, 'TENANT_NOT_FOUND']);
    });
  });

  describe('listing', () => {
    it('pages newest first, each key once, also those of the same millisecond', async () => {
      const ids = await Promise.all(Array.from({ length: 7 }, async () => (await create()).key.id as string));
      const listed: string[] = [];
      let cursor: string | null = null;
      const sizes: number[] = [];
      do {
        const { body }: Answer = await call(
          'GET',
          `${keys}?limit=3${cursor === null ? '' : `&cursor=${cursor}`}`,
        );
        sizes.push(body.data.length);
        listed.push(...body.data.map(({ id }: { id: string }) => id));
        cursor = body.nextCursor;
      } while (cursor !== null);
      expect(sizes).toEqual([3, 3, 1]);
      expect(listed.toSorted()).toEqual(ids.toSorted());
      const { body } = await call('GET', keys);
      const times = body.data.map(({ createdAt }: { createdAt: string }) => createdAt);
      expect(times).toEqual(times.toSorted().toReversed());
      expect(body.data.map(({ id }: { id: string }) => id)).toEqual(listed);
    });

    it('has no next page when the last one is full', async () => {
      await create();
      await create();
      expect((await call('GET', `${keys}?limit=2`)).body.nextCursor).toBeNull();
    });

    it('lists one environment alone', async () => {
      await create();
      const { key } = await create({ environment: 'test' });
      expect((await call('GET', `${keys}?environment=test`)).body.data).toEqual([key]);
    });

    it.each([
      'limit=0',
      'limit=101',
      'limit=abc',
      'limit=',
      'environment=prod',
      'cursor=nonsense',
      'limit=1&limit=2x',
      'page=2',
    ])('is 400 for %s', async (query) => {
      const { status, body } = await call('GET', `${keys}?${query}`);
      expect([status, body.errors[0].field]).toEqual([400, query.split('=')[0]]);
    });

    it.each([
      [-1, 'key_00112233445566778899aabbccddee'],
      [1e300, 'key_00112233445566778899aabbccddee'],
      [8.64e15 + 1, 'key_00112233445566778899aabbccddee'],
      [1, 'key_\u0000'],
      [1, 1],
      [null],
      [],
    ])('is 400 for a made-up cursor: %j %j', async (...parts) => {
      const cursor = Buffer.from(JSON.stringify(parts)).toString('base64url');
      expect((await call('GET', `${keys}?cursor=${cursor}`)).status).toBe(400);
    });

    it('is 404 for a tenant that is not there', async () => {
      expect((await call('GET', '/v1/tenants/nobody/keys')).status).toBe(404);
    });
  });

  describe('changing', () => {
    it('changes what is given, leaves the rest, and answers the key', async () => {
      const { key } = await create({ metadata: { team: 'a' } });
      const changed = { name: 'other', scopes: [], expiresAt: '2031-01-01T00:00:00Z' };
      const { status, body } = await call('PATCH', `${keys}/${key.id}`, { body: changed });
      expect(status).toBe(200);
      expect(body.key).toEqual({
        ...key,
        ...changed,
        expiresAt: '2031-01-01T00:00:00.000Z',
        revision: expect.any(String),
      });
      expect(body.key.revision).not.toBe(key.revision);
      const unlimited = await call('PATCH', `${keys}/${key.id}`, { body: { expiresAt: null } });
      expect(unlimited.body.key.expiresAt).toBeNull();
      const none = await call('PATCH', `${keys}/${key.id}`, { body: {} });
      expect(none.body.key).toEqual(unlimited.body.key);
    });

    it('is 409 for a revoked key', async () => {
      const { key } = await create();
      await call('POST', `${keys}/${key.id}/revoke`);
      const { status, body } = await call('PATCH', `${keys}/${key.id}`, { body: { name: 'x' } });
      expect([status, body.code]).toEqual([409, 'KEY_REVOKED']);
    });

    it('lets all of many at once either succeed or conflict, and none get lost', async () => {
      const { key } = await create();
      const names = Array.from({ length: 20 }, (_, i) => `name ${i}`);
      const answers = await Promise.all(
        names.map((name) => call('PATCH', `${keys}/${key.id}`, { body: { name } })),
      );
      const changed = answers.filter(({ status }) => status === 200).length;
      expect(answers.filter(({ body }) => body.code === 'CONFLICT')).toHaveLength(20 - changed);
      const { body } = await call('GET', `${keys}/${key.id}/events`);
      expect(body.data).toHaveLength(1 + changed);
    });
  });

  describe('rotating', () => {
    it('gives the same key another secret; the previous one stays valid for a day', async () => {
      const { key, secret } = await create();
      const { status, body } = await call('POST', `${keys}/${key.id}/rotate`);
      expect(status).toBe(200);
      expect(body.secret).toMatch(SECRET);
      expect(body.secret).not.toBe(secret);
      const { id, secretGeneration, previousSecretValidUntil } = body.key;
      expect({ id, secretGeneration }).toEqual({ id: key.id, secretGeneration: 2 });
      const { body: history } = await call('GET', `${keys}/${key.id}/events`);
      const grace = Date.parse(previousSecretValidUntil) - history.data[1].data.rotatedAtMs;
      expect(grace).toBe(86_400_000);
    });

    it('is 409 in the grace period unless it may end it', async () => {
      const { key } = await create();
      const rotate = `${keys}/${key.id}/rotate`;
      await call('POST', rotate, { body: { graceSeconds: 2_592_000 } });
      const refused = await call('POST', rotate);
      expect([refused.status, refused.body.code]).toEqual([409, 'ROTATION_IN_PROGRESS']);
      const { status, body } = await call('POST', rotate, {
        body: { retirePrevious: true, graceSeconds: 0 },
      });
      expect(status).toBe(200);
      expect([body.key.secretGeneration, body.key.previousSecretValidUntil]).toEqual([3, null]);
      expect((await call('POST', rotate)).status).toBe(200);
    });

    it('retires the previous secret early where that is asked for, as often as it is', async () => {
      const { key } = await create();
      await call('POST', `${keys}/${key.id}/rotate`);
      const first = await call('POST', `${keys}/${key.id}/retire-previous-secret`);
      expect([first.status, first.body.key.previousSecretValidUntil]).toEqual([200, null]);
      const second = await call('POST', `${keys}/${key.id}/retire-previous-secret`);
      expect([second.status, second.body]).toEqual([200, first.body]);
    });

    it('lets one of many at once rotate', async () => {
      const { key } = await create();
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => call('POST', `${keys}/${key.id}/rotate`)),
      );
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
      const { body } = await call('GET', `${keys}/${key.id}`);
      expect(body.key.secretGeneration).toBe(2);
    });
  });

  describe('revoking', () => {
    it('is for ever, and repeating it changes nothing', async () => {
      const { key } = await create();
      const first = await call('POST', `${keys}/${key.id}/revoke`, { body: { reason: 'leaked' } });
      expect([first.status, first.body.key.status]).toEqual([200, 'revoked']);
      const again = await Promise.all(
        Array.from({ length: 30 }, () => call('POST', `${keys}/${key.id}/revoke`)),
      );
      for (const { status, body } of again) expect([status, body]).toEqual([200, first.body]);
      for (const path of ['rotate', 'retire-previous-secret']) {
        const { status, body } = await call('POST', `${keys}/${key.id}/${path}`);
        expect([status, body.code]).toEqual([409, 'KEY_REVOKED']);
      }
    });

    it('is one event when many wish it at once', async () => {
      const { key } = await create();
      const answers = await Promise.all(
        Array.from({ length: 50 }, () => call('POST', `${keys}/${key.id}/revoke`)),
      );
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
      const { body } = await call('GET', `${keys}/${key.id}/events`);
      expect(body.data.map(({ type }: { type: string }) => type)).toEqual(['KeyCreated', 'KeyRevoked']);
    });
  });

  describe('importing', () => {
    it('takes a digest with what it is recognised by', async () => {
      const body = keyBody({ ...digest(tenantId), hintStart: 'old_', hintEnd: '9f3c' });
      const { status, body: answer } = await call('POST', `${keys}/import`, { body });
      expect(status).toBe(201);
      expect(answer).toEqual({
        key: expect.objectContaining({ hint: { start: 'old_', end: '9f3c' }, status: 'active' }),
      });
    });

    it.each([111, 0, 128.5, '128', null])('is 400 where %j bits of randomness are attested', async (bits) => {
      const body = keyBody({ ...digest(tenantId), attestedEntropyBits: bits });
      const answer = await call('POST', `${keys}/import`, { body });
      expect([answer.status, answer.body.errors[0].field]).toEqual([400, 'attestedEntropyBits']);
    });

    it('refuses a digest that any key has or ever had, of whatever tenant and generation', async () => {
      const { key, secret } = await create();
      const { body: rotated } = await call('POST', `${keys}/${key.id}/rotate`, { body: { graceSeconds: 0 } });
      await call('POST', `${keys}/${key.id}/revoke`);
      await call('POST', `${keys}/import`, { body: keyBody(digest(`imported ${tenantId}`)) });
      const other = `/v1/tenants/${await registerTenant(service)}/keys/import`;
      for (const taken of [secret, rotated.secret, `imported ${tenantId}`]) {
        for (const path of [other, `${keys}/import`]) {
          const { status, body } = await call('POST', path, { body: keyBody(digest(taken)) });
          expect([status, body.code]).toEqual([409, 'DIGEST_TAKEN']);
        }
      }
    });

    it('lets one of many at once have a digest, and counts only that one', async () => {
      const others = await Promise.all(Array.from({ length: 10 }, () => registerTenant(service, 1)));
      const body = keyBody(digest(`wanted ${tenantId}`));
      const answers = await Promise.all(
        others.map((id) => call('POST', `/v1/tenants/${id}/keys/import`, { body })),
      );
      expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
      expect(answers.filter(({ body: { code } }) => code === 'DIGEST_TAKEN')).toHaveLength(9);
      const creates = await Promise.all(
        others.map((id) => call('POST', `/v1/tenants/${id}/keys`, { body: keyBody() })),
      );
      expect(creates.filter(({ status }) => status === 201)).toHaveLength(9);
    });
  });

  describe('the history', () => {
    it('says what happened, by whom, from where, in which request and trace, and why', async () => {
      const headers = {
        'x-forwarded-for': '203.0.113.9',
        traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      };
      const created = await call('POST', keys, { body: keyBody(), headers });
      const path = `${keys}/${created.body.key.id}`;
      const revoked = await call('POST', `${path}/revoke`, { body: { reason: 'leaked' } });
      const { status, body } = await call('GET', `${path}/events`);
      expect(status).toBe(200);
      expect(body.data).toEqual([
        {
          type: 'KeyCreated',
          version: 1,
          at: expect.stringMatching(/Z$/),
          actor: { type: 'operator', id: 'operator' },
          sourceAddress: '203.0.113.9',
          reason: null,
          requestId: created.headers.get('x-request-id'),
          traceId: '0af7651916cd43dd8448eb211c80319c',
          data: expect.objectContaining({ keyId: created.body.key.id, name: 'a key' }),
        },
        expect.objectContaining({
          type: 'KeyRevoked',
          version: 2,
          reason: 'leaked',
          sourceAddress: '127.0.0.1',
          requestId: revoked.headers.get('x-request-id'),
          traceId: null,
        }),
      ]);
    });

    it('does not believe X-Forwarded-For of who is no trusted proxy', async () => {
      const wary = await serveKeyManagement(database, { LATCHKEY_TRUSTED_PROXIES: '192.0.2.0/24' });
      try {
        const headers = { 'x-forwarded-for': '203.0.113.9' };
        const { body } = await ask(wary, 'POST', keys, { body: keyBody(), headers });
        const history = await ask(wary, 'GET', `${keys}/${body.key.id}/events`);
        expect(history.body.data[0].sourceAddress).toBe('127.0.0.1');
      } finally {
        await wary.close();
      }
    });
  });

  it("finds another tenant's key nowhere", async () => {
    const { key } = await create();
    const other = `/v1/tenants/${await registerTenant(service)}/keys`;
    const asks: [string, string, unknown?][] = [
      ['GET', ''],
      ['PATCH', '', { name: 'mine now' }],
      ['POST', '/rotate'],
      ['POST', '/retire-previous-secret'],
      ['POST', '/revoke'],
      ['GET', '/events'],
      ['GET', '/usage'],
    ];
    for (const tenant of [other, '/v1/tenants/nobody/keys', '/v1/tenants/*/keys', '/v1/tenants/%25/keys']) {
      for (const [method, path, body] of asks) {
        const { status, body: problem } = await call(method, `${tenant}/${key.id}${path}`, { body });
        expect([method, path, status, problem.status]).toEqual([method, path, 404, 404]);
      }
    }
    expect((await call('GET', other)).body.data).toEqual([]);
    expect((await call('GET', `${keys}/${key.id}`)).body.key).toEqual(key);
  });

  it('keeps no secret in the database', async () => {
    const { key, secret } = await create();
    const { body } = await call('POST', `${keys}/${key.id}/rotate`, {
      headers: { 'idempotency-key': 'once' },
    });
    const admin = new pg.Client({ connectionString: database.adminUrl });
    await admin.connect();
    for (const table of ['events', 'keys', 'secrets', 'idempotency']) {
      const { rows } = await admin.query(`select t::text as row from keys.${table} t`);
      const text = rows.map(({ row }) => row).join('\n');
      expect(text).toContain(key.id);
      for (const shown of [secret, body.secret]) expect(text).not.toContain(shown.slice(12, -4));
    }
    await admin.end();
  });
});
