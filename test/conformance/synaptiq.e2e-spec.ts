import { describe, expect, it, jest } from '@jest/globals';
import { eventually } from '#libs/testing/eventually';
import type { HttpAnswer } from './product.js';
import { describeProduct } from './stacks.js';

jest.setTimeout(60_000);

/** Slow enough for the smallest limit. */
const EVERY_200_MS = { everyMs: 200 };

const UNAUTHORIZED = {
  error: {
    code: 'unauthorized',
    message: 'Invalid or missing API key. Provide a valid Bearer token in the Authorization header.',
    doc_url: 'https://synaptiqintel.com/docs/api-reference/authentication',
  },
};
const FORBIDDEN = {
  error: {
    ...UNAUTHORIZED.error,
    code: 'forbidden',
    message: 'The API key does not have the required scope.',
  },
};
const METHODS = ['GET', 'POST', 'PATCH', 'DELETE', 'PUT', 'HEAD', 'OPTIONS'];
const ALLOWED = {
  read: ['GET'],
  write: ['GET', 'POST', 'PATCH'],
  admin: ['GET', 'POST', 'PATCH', 'DELETE'],
};
const PER_MINUTE = {
  starter: { read: 120, write: 60, admin: 30 },
  pro: { read: 600, write: 300, admin: 150 },
  enterprise: { read: 3000, write: 1500, admin: 750 },
};

describeProduct({ profile: 'synaptiq', basePath: '/api/v1', throughHttps: true }, (synaptiq) => {
  it('SYNAPTIQ-1 keys are sk_live_ or sk_test_ and random; without one every path below /api/v1 is 401', async () => {
    const tenantId = await synaptiq().tenant();
    for (const environment of ['live', 'test']) {
      const { secret } = await synaptiq().key({ environment, scopes: ['read'] }, tenantId);
      expect(secret).toMatch(new RegExp(`^sk_${environment}_[a-z0-9]{30}$`));
      expect((await synaptiq().whoami(secret)).body).toMatchObject({ environment });
    }
    for (const path of [
      '/api/v1/leads',
      '/api/v1/nowhere',
      '/api/v1',
      '/nowhere',
      '/v1/keys',
      '/api/v1/%zz',
    ]) {
      const { status, body } = await synaptiq().send({ path });
      expect([path, status, body]).toEqual([path, 401, UNAUTHORIZED]);
    }
    const { secret } = await synaptiq().key({ scopes: ['read'] }, tenantId);
    expect((await synaptiq().as(secret, '/leads')).status).toBe(200);
    expect((await synaptiq().as(secret, '/nowhere')).status).toBe(404);
  });

  it('SYNAPTIQ-2 a request over plain HTTP is rejected, not redirected, before its key is looked at', async () => {
    const key = await synaptiq().key({ scopes: ['read'] });
    for (const authorization of [`Bearer ${key.secret}`, 'Bearer unknown', 'Basic x']) {
      for (const proto of ['http', 'https, http', '']) {
        const headers = { authorization, 'x-forwarded-proto': proto };
        const { status, body } = await synaptiq().send({ path: '/api/v1/whoami', headers });
        expect([proto, status, body.error.code]).toEqual([proto, 403, 'https_required']);
      }
    }
    expect((await synaptiq().whoami(key.secret)).status).toBe(200);
    expect((await synaptiq().usage(key)).requests30d).toBeLessThanOrEqual(1);
  });

  it('SYNAPTIQ-3 a key has exactly one scope, which says its methods; any other is 403, before a 404', async () => {
    const tenantId = await synaptiq().tenant({ plan: 'enterprise' });
    for (const scopes of [undefined, [], ['read', 'write'], ['keys:manage'], ['all']]) {
      expect([scopes, (await synaptiq().tryKey({ scopes }, tenantId)).status]).toEqual([scopes, 400]);
    }
    for (const [scope, allowed] of Object.entries(ALLOWED)) {
      const { secret } = await synaptiq().key({ scopes: [scope] }, tenantId);
      for (const method of METHODS) {
        const { status, body } = await synaptiq().as(secret, '/nowhere', { method });
        expect([scope, method, status]).toEqual([scope, method, allowed.includes(method) ? 404 : 403]);
        if (status === 403 && method !== 'HEAD') expect(body).toEqual(FORBIDDEN);
      }
      const managing = await synaptiq().as(secret, '/keys');
      expect([scope, managing.status]).toEqual([scope, scope === 'admin' ? 200 : 403]);
    }
  });

  it('SYNAPTIQ-4 a rotation gives a new key at once; the old one works until its grace ends or is ended', async () => {
    const tenantId = await synaptiq().tenant();
    const admin = await synaptiq().key({ scopes: ['admin'] }, tenantId);
    const old = await synaptiq().key({ scopes: ['read'] }, tenantId);
    const rotated = await synaptiq().as(admin.secret, `/keys/${old.keyId}/rotate`, {
      method: 'POST',
      body: {},
    });
    expect(rotated.status).toBe(200);
    const fresh = rotated.body.secret as string;
    expect(fresh).toMatch(/^sk_live_[a-z0-9]{30}$/);
    expect((await synaptiq().whoami(fresh)).status).toBe(200);
    expect((await synaptiq().whoami(old.secret)).status).toBe(200);

    const ended = await synaptiq().client.manage('POST', `${old.path}/retire-previous-secret`);
    expect([ended.status, ended.body.status]).toEqual([200, 'enforced']);
    const refused = await synaptiq().whoami(old.secret);
    expect([refused.status, refused.body]).toEqual([401, UNAUTHORIZED]);
    expect((await synaptiq().whoami(fresh)).status).toBe(200);

    const short = await synaptiq().key({ scopes: ['read'] }, tenantId);
    await synaptiq().client.manage('POST', `${short.path}/rotate`, { graceSeconds: 1 });
    await eventually(
      async () => expect((await synaptiq().whoami(short.secret)).status).toBe(401),
      EVERY_200_MS,
    );
  });

  it('SYNAPTIQ-4 an admin key rotates keys, and revokes the old one early', async () => {
    const tenantId = await synaptiq().tenant({ plan: 'pro' });
    const admin = await synaptiq().key({ scopes: ['admin'] }, tenantId);
    const manage = (path: string, method = 'POST', body?: object) =>
      synaptiq().as(admin.secret, path, { method, body });
    const made = await manage('/keys', 'POST', { name: 'second', scopes: ['admin'] });
    expect(made.status).toBe(201);
    const { id } = made.body.key;
    const rotated = await manage(`/keys/${id}/rotate`, 'POST', {});
    expect(rotated.status).toBe(200);
    expect((await synaptiq().whoami(made.body.secret)).status).toBe(200);
    expect((await synaptiq().whoami(rotated.body.secret)).status).toBe(200);
    const ended = await manage(`/keys/${id}/retire-previous-secret`);
    expect([ended.status, ended.body.status]).toEqual([200, 'enforced']);
    expect((await synaptiq().whoami(made.body.secret)).body).toEqual(UNAUTHORIZED);
    const listed = await manage('/keys', 'GET');
    expect(listed.body.data.map((key: { id: string }) => key.id)).toEqual([id, admin.keyId]);
    expect((await manage(`/keys/${id}`, 'DELETE')).status).toBe(200);
    expect((await synaptiq().whoami(rotated.body.secret)).body).toEqual(UNAUTHORIZED);
  });

  it('SYNAPTIQ-6 401 unauthorized and 403 forbidden have the documented body, to the letter', async () => {
    const tenantId = await synaptiq().tenant();
    const { client } = synaptiq();
    const [revoked, retired, expiring, reader] = await Promise.all(
      Array.from({ length: 4 }, () => synaptiq().key({ scopes: ['read'] }, tenantId)),
    );
    if (!revoked || !retired || !expiring || !reader) throw new Error('four keys were asked for');
    await synaptiq().revoke(revoked);
    await client.manage('POST', `${retired.path}/rotate`, { graceSeconds: 0 });
    await client.manage('PATCH', expiring.path, { expiresAt: new Date(Date.now() + 1000).toISOString() });
    const refusedAs = (answer: HttpAnswer, status: number, body: object) => {
      expect([answer.status, answer.body]).toEqual([status, body]);
      expect(answer.headers['content-type']).toMatch(/^application\/json/);
    };
    for (const headers of [{}, { authorization: 'Basic x' }, { authorization: `Bearer ${reader.secret}x` }]) {
      refusedAs(await synaptiq().send({ path: '/api/v1/leads', headers }), 401, UNAUTHORIZED);
    }
    refusedAs(await synaptiq().as(revoked.secret, '/leads'), 401, UNAUTHORIZED);
    refusedAs(await synaptiq().as(retired.secret, '/leads'), 401, UNAUTHORIZED);
    refusedAs(await synaptiq().as(reader.secret, '/leads', { method: 'POST', body: {} }), 403, FORBIDDEN);
    await eventually(
      async () => refusedAs(await synaptiq().whoami(expiring.secret), 401, UNAUTHORIZED),
      EVERY_200_MS,
    );
  });

  it('SYNAPTIQ-5 what a test key makes is in the sandbox alone: resources and keys', async () => {
    const tenantId = await synaptiq().tenant({ plan: 'enterprise' });
    const [live, test] = [
      await synaptiq().key({ environment: 'live', scopes: ['admin'] }, tenantId),
      await synaptiq().key({ environment: 'test', scopes: ['admin'] }, tenantId),
    ];
    for (const [mine, other] of [
      [live.secret, test.secret],
      [test.secret, live.secret],
    ] as const) {
      const lead = await synaptiq().add(mine, '/leads', { name: 'Grace' });
      const conversation = await synaptiq().add(mine, '/conversations', { leadId: lead.id });
      const messages = `/conversations/${conversation.id}/messages`;
      const message = await synaptiq().add(mine, messages, { text: 'Hello' });
      const event = await synaptiq().add(mine, '/analytics', { event: 'demo_booked', leadId: lead.id });
      const places = [
        ['/leads', lead.id],
        ['/conversations', conversation.id],
        ['/analytics', event.id],
      ] as const;
      for (const [path, id] of places) {
        expect(await synaptiq().idsOf(mine, path)).toContain(id);
        expect(await synaptiq().idsOf(other, path)).not.toContain(id);
        expect((await synaptiq().as(other, `${path}/${id}`)).status).toBe(404);
        expect((await synaptiq().as(other, `${path}/${id}`, { method: 'DELETE' })).status).toBe(404);
        expect((await synaptiq().as(mine, `${path}/${id}`)).status).toBe(200);
      }
      for (const sent of [{}, { method: 'POST', body: { text: 'x' } }]) {
        expect((await synaptiq().as(other, messages, sent)).status).toBe(404);
      }
      expect((await synaptiq().as(other, `${messages}/${message.id}`)).status).toBe(404);
      const crossing = { method: 'POST', body: { leadId: lead.id } };
      expect((await synaptiq().as(other, '/conversations', crossing)).status).toBe(404);
    }
    expect(await synaptiq().idsOf(live.secret, '/keys')).toEqual([live.keyId]);
    expect(await synaptiq().idsOf(test.secret, '/keys')).toEqual([test.keyId]);
  });

  it('SYNAPTIQ-10 read reads; write creates and updates leads and sends chat messages too; admin deletes too', async () => {
    const tenantId = await synaptiq().tenant({ plan: 'enterprise' });
    const [read, write, admin] = await Promise.all(
      ['read', 'write', 'admin'].map(
        async (scope) => (await synaptiq().key({ scopes: [scope] }, tenantId)).secret,
      ),
    );
    if (read === undefined || write === undefined || admin === undefined) throw new Error('three keys');
    const lead = await synaptiq().add(write, '/leads', { name: 'Grace', status: 'new' });
    const conversation = await synaptiq().add(write, '/conversations', { leadId: lead.id });
    const messages = `/conversations/${conversation.id}/messages`;
    const message = await synaptiq().add(write, messages, { text: 'Hello', from: 'agent' });
    expect(message).toMatchObject({ conversationId: conversation.id, text: 'Hello' });
    await synaptiq().add(write, '/analytics', { event: 'demo_booked' });
    const update = { method: 'PATCH', body: { status: 'qualified' } };
    const updated = await synaptiq().as(write, `/leads/${lead.id}`, update);
    expect([updated.status, updated.body.status, updated.body.name]).toEqual([200, 'qualified', 'Grace']);

    for (const path of ['/leads', `/leads/${lead.id}`, '/conversations', messages, '/analytics']) {
      for (const key of [read, write, admin]) expect((await synaptiq().as(key, path)).status).toBe(200);
    }
    expect((await synaptiq().as(read, `/leads/${lead.id}`, update)).status).toBe(403);
    for (const path of ['/leads', '/conversations', messages, '/analytics']) {
      expect((await synaptiq().as(read, path, { method: 'POST', body: {} })).status).toBe(403);
    }
    for (const path of [
      `${messages}/${message.id}`,
      `/conversations/${conversation.id}`,
      `/leads/${lead.id}`,
    ]) {
      const deleted = async (key: string) => (await synaptiq().as(key, path, { method: 'DELETE' })).status;
      expect([await deleted(read), await deleted(write), await deleted(admin)]).toEqual([403, 403, 204]);
      expect((await synaptiq().as(admin, path)).status).toBe(404);
    }
  });

  describe('limits', () => {
    it('SYNAPTIQ-7 limits are per key by scope and plan, for test keys as well, and a plan’s change takes effect on live keys', async () => {
      const tenantId = await synaptiq().tenant();
      const keys = await Promise.all(
        Object.keys(ALLOWED).flatMap((scope) =>
          ['live', 'test'].map(async (environment) => ({
            scope: scope as keyof typeof ALLOWED,
            ...(await synaptiq().key({ environment, scopes: [scope] }, tenantId)),
          })),
        ),
      );
      for (const [plan, limits] of Object.entries(PER_MINUTE)) {
        const changed = await synaptiq().client.manage('PUT', `/v1/tenants/${tenantId}`, { plan });
        expect([changed.status, changed.body.plan]).toEqual([200, plan]);
        for (const { scope, secret } of keys) {
          await eventually(async () => {
            const { headers } = await synaptiq().whoami(secret);
            expect([plan, scope, headers['x-ratelimit-limit']]).toEqual([plan, scope, String(limits[scope])]);
          });
        }
      }
    });

    it('SYNAPTIQ-7 the request beyond the limit is 429, and no other key’s', async () => {
      const tenantId = await synaptiq().tenant();
      const [admin, other] = [
        await synaptiq().key({ scopes: ['admin'] }, tenantId),
        await synaptiq().key({ scopes: ['admin'] }, tenantId),
      ];
      const answers = await Promise.all(Array.from({ length: 40 }, () => synaptiq().whoami(admin.secret)));
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(30);
      const limited = answers.filter(({ status }) => status === 429);
      expect(limited).toHaveLength(10);
      for (const { headers, body } of limited) {
        expect(body.error.code).toBe('rate_limited');
        expect(Number(headers['retry-after'])).toBeGreaterThan(0);
        expect(Number(headers['retry-after'])).toBeLessThanOrEqual(60);
        expect(headers['ratelimit-policy']).toBe('"synaptiq";q=30;w=60');
        expect(headers['ratelimit']).toMatch(/^"synaptiq";r=0;t=\d+$/);
      }
      expect((await synaptiq().whoami(other.secret)).status).toBe(200);
    });
  });
});
