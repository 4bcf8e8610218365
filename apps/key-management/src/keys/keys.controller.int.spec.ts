import { createHash } from 'node:crypto';
import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import pg from 'pg';
import { type Answer, keyBody, ServedForSuite } from '../served-key-management.contract.js';

jest.setTimeout(60_000);

const SECRET = /^lk_live_[0-9A-Za-z]{39}$/;
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

describe('the keys of a tenant over HTTP', () => {
  const served = new ServedForSuite();
  let tenantId: string;
  let keys: string;

  beforeEach(async () => {
    ({ tenantId, keys } = await served.tenant());
  });

  async function create(more: object = {}): Promise<Answer['body']> {
    const { status, body } = await served.ask('POST', keys, { body: keyBody(more) });
    expect(status).toBe(201);
    return body;
  }

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
        requestsPerMinute: null,
        previousSecretValidUntil: null,
        revision: expect.any(String),
      });
      const read = await served.ask('GET', `${keys}/${key.id}`);
      expect({ status: read.status, body: read.body }).toEqual({ status: 200, body: { key } });
      const shown = await Promise.all(
        [keys, `${keys}/${key.id}`, `${keys}/${key.id}/events`].map((path) => served.ask('GET', path)),
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
      const answer = await served.ask('POST', '/v1/tenants/nobody/keys', { body: keyBody() });
      expect([answer.status, answer.body.code]).toEqual([404, 'TENANT_NOT_FOUND']);
    });
  });

  describe('changing', () => {
    it('changes what is given, leaves the rest, and answers the key', async () => {
      const { key } = await create({ metadata: { team: 'a' } });
      const changed = { name: 'other', scopes: [], expiresAt: '2031-01-01T00:00:00Z' };
      const { status, body } = await served.ask('PATCH', `${keys}/${key.id}`, { body: changed });
      expect(status).toBe(200);
      expect(body.key).toEqual({
        ...key,
        ...changed,
        expiresAt: '2031-01-01T00:00:00.000Z',
        revision: expect.any(String),
      });
      expect(body.key.revision).not.toBe(key.revision);
      const unlimited = await served.ask('PATCH', `${keys}/${key.id}`, { body: { expiresAt: null } });
      expect(unlimited.body.key.expiresAt).toBeNull();
      const none = await served.ask('PATCH', `${keys}/${key.id}`, { body: {} });
      expect(none.body.key).toEqual(unlimited.body.key);
    });

    it('is 409 for a revoked key', async () => {
      const { key } = await create();
      await served.ask('POST', `${keys}/${key.id}/revoke`);
      const { status, body } = await served.ask('PATCH', `${keys}/${key.id}`, { body: { name: 'x' } });
      expect([status, body.code]).toEqual([409, 'KEY_REVOKED']);
    });

    it('lets all of many at once either succeed or conflict, and none get lost', async () => {
      const { key } = await create();
      const names = Array.from({ length: 20 }, (_, i) => `name ${i}`);
      const answers = await Promise.all(
        names.map((name) => served.ask('PATCH', `${keys}/${key.id}`, { body: { name } })),
      );
      const changed = answers.filter(({ status }) => status === 200).length;
      expect(answers.filter(({ body }) => body.code === 'CONFLICT')).toHaveLength(20 - changed);
      const { body } = await served.ask('GET', `${keys}/${key.id}/events`);
      expect(body.data).toHaveLength(1 + changed);
    });
  });

  it("finds another tenant's key nowhere", async () => {
    const { key } = await create();
    const other = `/v1/tenants/${(await served.tenant()).tenantId}/keys`;
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
        const { status, body: problem } = await served.ask(method, `${tenant}/${key.id}${path}`, { body });
        expect([method, path, status, problem.status]).toEqual([method, path, 404, 404]);
      }
    }
    expect((await served.ask('GET', other)).body.data).toEqual([]);
    expect((await served.ask('GET', `${keys}/${key.id}`)).body.key).toEqual(key);
  });

  it('keeps no secret in the database', async () => {
    const { key, secret } = await create();
    const { body } = await served.ask('POST', `${keys}/${key.id}/rotate`, {
      headers: { 'idempotency-key': 'once' },
    });
    const admin = new pg.Client({ connectionString: served.database.adminUrl });
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
