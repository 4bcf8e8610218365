import { expect, it, jest } from '@jest/globals';
import { digestOf } from '#libs/key-secret';
import { eventually } from '#libs/testing/eventually';
import { describeProduct } from './stacks.js';

jest.setTimeout(60_000);

const SECRET = /^sydx_(.+)_([a-z0-9]{33,})$/;

describeProduct({ profile: 'sydx', basePath: '/api/v1' }, (sydx) => {
  it('SYDX-2 a key is sydx_, the tenant id, _ and a random token that has no _', async () => {
    for (const tenant of ['acme', 'a-b_c', 'x_y-z_0']) {
      const tenantId = `${tenant}-${Date.now().toString(36)}`;
      await sydx().client.manage('PUT', `/v1/tenants/${tenantId}`, { profile: 'sydx' });
      const secrets = [await sydx().key({}, tenantId), await sydx().key({}, tenantId)].map(
        ({ secret }) => secret,
      );
      for (const secret of secrets) expect(SECRET.exec(secret)?.[1]).toBe(tenantId);
      expect(secrets[0]).not.toBe(secrets[1]);
      expect((await sydx().whoami(secrets[0] as string)).body).toMatchObject({ tenantId });
    }
  });

  it('SYDX-3 a key is taken from Authorization: Bearer alone', async () => {
    const { secret } = await sydx().key();
    expect((await sydx().whoami(secret)).status).toBe(200);
    const elsewhere = [
      { 'x-api-key': secret },
      { authorization: secret },
      { authorization: `Token ${secret}` },
      { authorization: `Basic ${Buffer.from(`${secret}:`).toString('base64')}` },
      { cookie: `key=${secret}` },
    ];
    for (const headers of elsewhere) {
      expect((await sydx().send({ path: '/api/v1/whoami', headers })).status).toBe(401);
    }
    const inPath = { path: `/api/v1/whoami?api_key=${secret}&access_token=${secret}` };
    expect((await sydx().send(inPath)).status).toBe(401);
  });

  it('SYDX-4 the list shows active keys: name, last 4 characters, permissions, created, last used for authentication', async () => {
    const tenantId = await sydx().tenant();
    const [kept, revoked] = [
      await sydx().key({ name: 'n8n Production' }, tenantId),
      await sydx().key({}, tenantId),
    ];
    await sydx().revoke(revoked);
    const { body } = await sydx().client.manage('GET', `/v1/tenants/${tenantId}/keys`);
    expect(body.data).toHaveLength(1);
    expect(body.data[0]).toMatchObject({
      id: kept.keyId,
      name: 'n8n Production',
      hint: { start: '', end: kept.secret.slice(-4) },
      scopes: ['read', 'write'],
      createdAt: expect.stringMatching(/Z$/),
    });
    expect((await sydx().usage(kept)).lastUsedAt).toBeNull();
    expect((await sydx().whoami(`${kept.secret.slice(0, -1)}~`)).status).toBe(401);
    expect((await sydx().as(kept.secret, '/nowhere')).status).toBe(404);
    const used = await eventually(async () => {
      const { lastUsedAt } = await sydx().usage(kept);
      expect(lastUsedAt).not.toBeNull();
      return lastUsedAt;
    });
    const reader = await sydx().key({ scopes: ['read'] }, tenantId);
    expect((await sydx().as(reader.secret, '/contacts', { method: 'POST', body: {} })).status).toBe(403);
    await eventually(async () => expect((await sydx().usage(reader)).lastUsedAt).not.toBeNull());
    expect((await sydx().usage(kept)).lastUsedAt).toBe(used);
  });

  it('SYDX-5 revoking is immediate and permanent: nothing brings the key back', async () => {
    const { client } = sydx();
    const key = await sydx().key();
    expect((await sydx().whoami(key.secret)).status).toBe(200);
    await sydx().revoke(key);
    expect((await sydx().whoami(key.secret)).status).toBe(401);
    await client.manage('POST', `/v1/tenants/${key.tenantId}/suspend`, {});
    await client.manage('POST', `/v1/tenants/${key.tenantId}/resume`, {});
    const digest = digestOf(key.secret);
    const wishes = [
      await client.manage('POST', `${key.path}/rotate`, {}),
      await client.manage('PATCH', key.path, { name: 'again' }),
      await client.manage('POST', `/v1/tenants/${key.tenantId}/keys/import`, {
        name: 'again',
        environment: 'live',
        digest,
        attestedEntropyBits: 128,
      }),
    ];
    expect(wishes.map(({ status }) => status)).toEqual([409, 409, 409]);
    expect((await sydx().whoami(key.secret)).status).toBe(401);
  });

  it('SYDX-6 an organization has at most 10 keys, also under concurrent creation; a revoked one frees its place', async () => {
    const tenantId = await sydx().tenant();
    const answers = await Promise.all(Array.from({ length: 25 }, () => sydx().tryKey({}, tenantId)));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(10);
    expect(answers.filter(({ status }) => status !== 201).map(({ body }) => body.code)).toEqual(
      Array.from({ length: 15 }, () => 'ACTIVE_KEY_LIMIT'),
    );
    const [made] = answers.filter(({ status }) => status === 201);
    await sydx().revoke({ path: `/v1/tenants/${tenantId}/keys/${made?.body.key.id}` });
    expect((await sydx().tryKey({}, tenantId)).status).toBe(201);
    expect((await sydx().tryKey({}, tenantId)).status).toBe(409);
    const wider = { profile: 'sydx', maxActiveKeys: 11 };
    expect((await sydx().client.manage('PUT', `/v1/tenants/${tenantId}-2`, wider)).status).toBe(400);
  });

  it('SYDX-7 keys do not expire, and none can be given an expiry', async () => {
    const key = await sydx().key();
    expect((await sydx().read(key)).expiresAt).toBeNull();
    const refused = await sydx().tryKey({ expiresAt: '2030-01-01T00:00:00Z' }, key.tenantId);
    expect([refused.status, refused.body.errors[0].field]).toEqual([400, 'expiresAt']);
    const changed = await sydx().client.manage('PATCH', key.path, { expiresAt: '2030-01-01T00:00:00Z' });
    expect(changed.status).toBe(409);
  });

  it('SYDX-8 a key is of one organization, at sydx alone', async () => {
    const [mine, theirs] = [await sydx().key(), await sydx().key()];
    expect((await sydx().whoami(mine.secret)).body.tenantId).toBe(mine.tenantId);
    const crossed = await sydx().client.manage('GET', `/v1/tenants/${mine.tenantId}/keys/${theirs.keyId}`);
    expect(crossed.status).toBe(404);
    const moved = mine.secret.replace(mine.tenantId, theirs.tenantId);
    expect((await sydx().whoami(moved)).status).toBe(401);
    for (const host of ['seyn.localhost', 'syntropy.localhost', 'localhost', '127.0.0.1']) {
      const path = host.startsWith('s') ? '/api/v1/whoami' : '/v1/whoami';
      const headers = { host, authorization: `Bearer ${mine.secret}` };
      expect([host, (await sydx().send({ path, headers })).status]).toEqual([host, 401]);
    }
  });

  it('SYDX-10 401 for a missing, invalid, revoked or wrongly sent key, 403 for a valid one that lacks the permission', async () => {
    const { secret, ...key } = await sydx().key({ scopes: ['read'] });
    const headers = [
      {},
      { authorization: '' },
      { authorization: `Bearer${secret}` },
      { authorization: `Bearer ${secret}x` },
      { authorization: 'Bearer sydx_nobody_a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6' },
      { authorization: [`Bearer ${secret}`, `Bearer ${secret}`] },
    ];
    for (const sent of headers) {
      const { status, body } = await sydx().send({ path: '/api/v1/contacts', headers: sent });
      expect([sent, status, body.error]).toEqual([sent, 401, 'Unauthorized']);
    }
    const lacking = await sydx().as(secret, '/contacts', { method: 'POST', body: { name: 'Ada' } });
    expect([lacking.status, lacking.body]).toEqual([
      403,
      { error: 'Forbidden', message: 'The key is valid but lacks the required permissions.' },
    ]);
    await sydx().revoke(key);
    expect((await sydx().as(secret, '/contacts')).status).toBe(401);
  });

  it('SYDX-12 GET /api/v1/contacts as printed, with a content type and no body, gives the organization’s contacts', async () => {
    const [mine, theirs] = [await sydx().key(), await sydx().key()];
    const contact = await sydx().add(mine.secret, '/contacts', {
      name: 'Ada Lovelace',
      email: 'ada@example.com',
    });
    await sydx().add(theirs.secret, '/contacts', { name: 'Charles Babbage' });
    const printed = { headers: { 'content-type': 'application/json' } };
    const { status, headers, body } = await sydx().as(mine.secret, '/contacts', printed);
    expect([status, headers['content-type']]).toEqual([200, 'application/json; charset=utf-8']);
    expect(body).toEqual({ data: [contact], nextCursor: null });
    expect(contact).toEqual({
      id: expect.stringMatching(/^con_[0-9a-f]{32}$/),
      name: 'Ada Lovelace',
      email: 'ada@example.com',
      createdAt: expect.any(String),
      updatedAt: contact['createdAt'],
    });
    const removed = await sydx().as(mine.secret, `/contacts/${contact.id}`, { method: 'DELETE', ...printed });
    expect([removed.status, removed.text]).toEqual([204, '']);
  });

  it('SYDX-12 keys send messages to contacts of their own organization', async () => {
    const [mine, theirs] = [await sydx().key(), await sydx().key()];
    const contact = await sydx().add(mine.secret, '/contacts', { name: 'Ada' });
    const message = { contactId: contact.id, text: 'Hello' };
    const sent = await sydx().add(mine.secret, '/messages', message);
    expect(sent).toMatchObject(message);
    expect(await sydx().idsOf(mine.secret, '/messages')).toEqual([sent.id]);
    const foreign = await sydx().as(theirs.secret, '/messages', { method: 'POST', body: message });
    expect(foreign.status).toBe(404);
    const reader = await sydx().key({ scopes: ['read'] }, mine.tenantId);
    const unpermitted = await sydx().as(reader.secret, '/messages', { method: 'POST', body: message });
    expect(unpermitted.status).toBe(403);
  });

  it('SYDX-8 no key reads, changes or removes what another organization has', async () => {
    const [mine, theirs] = [await sydx().key(), await sydx().key()];
    const { id } = await sydx().add(theirs.secret, '/contacts', { name: 'Ada' });
    for (const [method, body] of [['GET'], ['PATCH', { name: 'Eve' }], ['DELETE']] as const) {
      const crossed = await sydx().as(mine.secret, `/contacts/${id}`, { method, body });
      const unknown = await sydx().as(mine.secret, `/contacts/con_${'0'.repeat(32)}`, { method, body });
      expect([crossed.status, crossed.body]).toEqual([404, unknown.body]);
    }
    expect((await sydx().as(theirs.secret, `/contacts/${id}`)).body).toMatchObject({ id, name: 'Ada' });
  });

  it('SYDX-13 a key has a name, all permissions unless some are chosen, is shown once and never manages keys', async () => {
    const tenantId = await sydx().tenant();
    expect((await sydx().tryKey({ name: undefined }, tenantId)).status).toBe(400);
    const all = await sydx().key({ name: 'Internal CRM Sync' }, tenantId);
    const shown = await sydx().read(all);
    expect(shown).toMatchObject({ name: 'Internal CRM Sync', scopes: ['read', 'write'] });
    expect(JSON.stringify(shown)).not.toContain(all.secret.slice(-20));
    const some = await sydx().key({ scopes: ['read'] }, tenantId);
    expect((await sydx().read(some)).scopes).toEqual(['read']);
    expect((await sydx().tryKey({ scopes: ['keys:manage'] }, tenantId)).status).toBe(400);
    for (const path of ['/keys', '/access-tokens', '/api-keys']) {
      expect((await sydx().as(all.secret, path)).status).toBe(404);
      expect((await sydx().as(all.secret, path, { method: 'POST', body: { name: 'k' } })).status).toBe(404);
    }
    const bypass = await sydx().send({
      path: '/v1/keys',
      headers: { authorization: `Bearer ${all.secret}` },
    });
    expect(bypass.status).toBe(404);
  });
});
