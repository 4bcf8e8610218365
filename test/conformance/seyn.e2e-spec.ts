import { expect, it, jest } from '@jest/globals';
import { eventually } from '#libs/testing/eventually';
import { describeProduct } from './stacks.js';

jest.setTimeout(60_000);

describeProduct({ profile: 'seyn', basePath: '/api/v1' }, (seyn) => {
  it('SEYN-1 keys are sk_live_ and 40 hexadecimal characters, never the same', async () => {
    const tenantId = await seyn().tenant();
    const secrets = await Promise.all(
      Array.from({ length: 20 }, async () => (await seyn().key({}, tenantId)).secret),
    );
    for (const secret of secrets) expect(secret).toMatch(/^sk_live_[0-9a-f]{40}$/);
    expect(new Set(secrets).size).toBe(20);
    expect((await seyn().tryKey({ environment: 'test' }, tenantId)).status).toBe(400);
  });

  it('SEYN-2 the token is shown once, and its first 8 characters are all that is ever shown again', async () => {
    const key = await seyn().key();
    expect((await seyn().read(key)).hint).toEqual({ start: 'sk_live_', end: '' });
    const answers = await Promise.all(
      [key.path, `${key.path}/events`, `/v1/tenants/${key.tenantId}/keys`].map(async (path) =>
        JSON.stringify((await seyn().client.manage('GET', path)).body),
      ),
    );
    for (const answer of answers) {
      expect(answer).not.toContain(key.secret.slice(8, 16));
      expect(answer).not.toContain(key.secret.slice(-8));
    }
    const repeated = { 'idempotency-key': 'once' };
    const made = await seyn().client.manage('POST', `/v1/tenants/${key.tenantId}/keys`, WISH, repeated);
    const again = await seyn().client.manage('POST', `/v1/tenants/${key.tenantId}/keys`, WISH, repeated);
    expect([made.body.secret, again.body.secret]).toEqual([expect.stringMatching(/^sk_live_/), null]);
    expect(again.body.key.id).toBe(made.body.key.id);
  });

  it('SEYN-4 keys are immutable, also to the operator; their limit alone can be changed', async () => {
    const key = await seyn().key();
    const { client } = seyn();
    const before = await seyn().read(key);
    const refused = [
      await client.manage('PATCH', key.path, { name: 'other' }),
      await client.manage('PATCH', key.path, { scopes: [] }),
      await client.manage('PATCH', key.path, { expiresAt: '2030-01-01T00:00:00Z' }),
      await client.manage('PATCH', key.path, { metadata: { a: 1 } }),
      await client.manage('POST', `${key.path}/rotate`, {}),
      await client.manage('POST', `${key.path}/retire-previous-secret`),
    ];
    expect(refused.map(({ status, body }) => [status, body.code])).toEqual(
      refused.map(() => [409, 'CHANGE_NOT_ALLOWED']),
    );
    const { revision: _seen, ...kept } = await seyn().read(key);
    expect(before).toMatchObject(kept);
    expect((await client.manage('PUT', `${key.path}/rate-limit`, { requestsPerMinute: 90 })).status).toBe(
      200,
    );
  });

  it('SEYN-5 the next request with a revoked key gets 403 KEY_REVOKED', async () => {
    for (let times = 0; times < 5; times += 1) {
      const key = await seyn().key();
      expect((await seyn().whoami(key.secret)).status).toBe(200);
      await seyn().revoke(key);
      const { status, body } = await seyn().whoami(key.secret);
      expect([status, body.code]).toEqual([403, 'KEY_REVOKED']);
    }
  });

  it('SEYN-6 tells no header, an unknown token and a revoked one apart by code, for ever', async () => {
    const { secret, ...key } = await seyn().key();
    const missing = [undefined, 'Basic abc', secret, `Token ${secret}`, 'Bearer'];
    for (const authorization of missing) {
      const headers = authorization === undefined ? {} : { authorization };
      const { status, body } = await seyn().send({ path: '/api/v1/whoami', headers });
      expect([authorization, status, body.code]).toEqual([authorization, 401, 'MISSING_AUTH_HEADER']);
    }
    const synaptiqs = `sk_live_${'a1b2c3'.repeat(5)}`;
    const unknown = [
      secret.slice(0, -1),
      `${secret}0`,
      `sk_live_${'0'.repeat(40)}`,
      'garbage',
      'x'.repeat(600),
      synaptiqs,
    ];
    for (const credential of unknown) {
      const { status, body } = await seyn().whoami(credential);
      expect([credential, status, body.code]).toEqual([credential, 401, 'INVALID_API_KEY']);
    }
    expect((await seyn().whoami(secret)).status).toBe(200);
    await seyn().revoke(key);
    for (let times = 0; times < 70; times += 1) {
      expect((await seyn().whoami(secret)).body.code).toBe('KEY_REVOKED');
    }
  });

  it('SEYN-7 more than 60 requests in 60 seconds from a key are 429 RATE_LIMITED, until its limit is raised', async () => {
    const key = await seyn().key();
    const other = await seyn().key({}, key.tenantId);
    const statuses = await Promise.all(Array.from({ length: 61 }, () => seyn().whoami(key.secret)));
    expect(statuses.filter(({ status }) => status === 200)).toHaveLength(60);
    const [limited] = statuses.filter(({ status }) => status === 429);
    expect(limited?.body.code).toBe('RATE_LIMITED');
    expect(Number(limited?.headers['retry-after'])).toBeGreaterThan(0);
    expect((await seyn().whoami(other.secret)).status).toBe(200);

    const raised = await seyn().client.manage('PUT', `${key.path}/rate-limit`, { requestsPerMinute: 100 });
    expect(raised.status).toBe(200);
    const left = await eventually(async () => {
      const { headers } = await seyn().whoami(key.secret);
      expect(headers['ratelimit-policy']).toBe('"seyn";q=100;w=60');
      return Number(/r=(\d+)/.exec(String(headers['ratelimit']))?.[1]);
    });
    const more = await Promise.all(Array.from({ length: left + 1 }, () => seyn().whoami(key.secret)));
    expect(more.filter(({ status }) => status === 200)).toHaveLength(left);
    expect(more.filter(({ status }) => status === 429)).toHaveLength(1);
  });

  it('SEYN-9 a key sees its own organisation alone, and no other reads or changes it', async () => {
    const [mine, theirs] = [await seyn().key(), await seyn().key()];
    expect((await seyn().whoami(mine.secret)).body).toMatchObject({
      tenantId: mine.tenantId,
      keyId: mine.keyId,
    });
    expect((await seyn().whoami(theirs.secret)).body).toMatchObject({ tenantId: theirs.tenantId });
    const { client } = seyn();
    const asked = `/v1/tenants/${mine.tenantId}/keys/${theirs.keyId}`;
    for (const answer of [
      await client.manage('GET', asked),
      await client.manage('GET', `${asked}/events`),
      await client.manage('POST', `${asked}/revoke`, {}),
      await client.manage('PUT', `${asked}/rate-limit`, { requestsPerMinute: 1 }),
    ]) {
      expect(answer.status).toBe(404);
    }
    expect((await seyn().whoami(theirs.secret)).status).toBe(200);
    const { body } = await client.manage('GET', `/v1/tenants/${mine.tenantId}/keys`);
    expect(body.data.map(({ id }: { id: string }) => id)).toEqual([mine.keyId]);
  });

  it('SEYN-9 every query is filtered to the key’s own organisation', async () => {
    const [mine, theirs] = [await seyn().key(), await seyn().key()];
    await seyn().import(mine.tenantId, 'knowledge', [{ title: 'Refunds', text: 'within ten days' }]);
    await seyn().import(theirs.tenantId, 'knowledge', [{ title: 'Refunds', text: 'never' }]);
    const [own] = await seyn().idsOf(mine.secret, '/knowledge?query=refunds');
    const [foreign] = await seyn().idsOf(theirs.secret, '/knowledge?query=refunds');
    expect((await seyn().as(mine.secret, `/knowledge/${own}`)).body.text).toBe('within ten days');
    expect((await seyn().as(mine.secret, `/knowledge/${foreign}`)).status).toBe(404);
    expect(await seyn().idsOf(mine.secret, '/knowledge')).toEqual([own]);
  });

  it('SEYN-10 keys read the organisation’s knowledge, search it, and can neither write nor manage', async () => {
    const key = await seyn().key();
    expect((await seyn().tryKey({ scopes: ['read'] }, key.tenantId)).status).toBe(400);
    await seyn().client.manage('PUT', `${key.path}/rate-limit`, { requestsPerMinute: 1000 });
    await seyn().import(key.tenantId, 'knowledge', [
      { title: 'Refunds', text: 'Refunds are paid within ten days.' },
      { title: 'Opening hours', text: 'From nine to five, but on Sundays.' },
    ]);
    const found = async (query: string) => {
      const { body } = await seyn().as(key.secret, `/knowledge?query=${encodeURIComponent(query)}`);
      return body.data.map(({ title }: { title: string }) => title);
    };
    expect(await found('refunds')).toEqual(['Refunds']);
    expect(await found('nine sundays')).toEqual(['Opening hours']);
    expect(await found('"nine sundays"')).toEqual([]);
    expect(await found('paid -ten')).toEqual([]);
    const [id] = await seyn().idsOf(key.secret, '/knowledge');
    for (const [method, path] of [
      ['POST', '/knowledge'],
      ['PATCH', `/knowledge/${id}`],
      ['DELETE', `/knowledge/${id}`],
      ['POST', '/keys'],
    ] as const) {
      const { status, body } = await seyn().as(key.secret, path, { method, body: { title: 'x', text: 'x' } });
      expect([method, status, body.code]).toEqual([method, 403, 'FORBIDDEN']);
    }
    expect((await seyn().as(key.secret, '/keys')).status).toBe(404);
    const fromBrowser = await seyn().as(key.secret, '/knowledge', {
      headers: { origin: 'https://a.example' },
    });
    expect(Object.keys(fromBrowser.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
  });
});

const WISH = { name: 'integration', environment: 'live' };
