import { expect, it, jest } from '@jest/globals';
import { describeProduct } from './stacks.js';

jest.setTimeout(60_000);

describeProduct({ profile: 'syntropy', basePath: '/api/v1' }, (syntropy) => {
  it('SYNTROPY-1 an account has many access tokens with different permissions, each a Bearer token', async () => {
    const tenantId = await syntropy().tenant();
    const reader = await syntropy().key({ scopes: ['read'] }, tenantId);
    const writer = await syntropy().key({ scopes: ['write'] }, tenantId);
    const all = await syntropy().key({}, tenantId);
    expect((await syntropy().read(all)).scopes).toEqual(['read', 'write', 'access-tokens']);
    const statuses = async (secret: string) => [
      (await syntropy().as(secret, '/connections')).status,
      (await syntropy().as(secret, '/connections', { method: 'POST', body: {} })).status,
      (await syntropy().as(secret, '/services/s-1', { method: 'DELETE' })).status,
      (await syntropy().as(secret, '/access-tokens')).status,
    ];
    expect(await statuses(reader.secret)).toEqual([200, 403, 403, 403]);
    expect(await statuses(writer.secret)).toEqual([200, 400, 404, 403]);
    expect(await statuses(all.secret)).toEqual([200, 400, 404, 200]);
    expect((await syntropy().whoami(reader.secret)).body).toMatchObject({ tenantId, scopes: ['read'] });
  });

  it('SYNTROPY-2 a token made with an expiry date is refused from that moment on', async () => {
    const tenantId = await syntropy().tenant();
    const admin = await syntropy().key({}, tenantId);
    const expiresAt = new Date(Date.now() + 2000).toISOString();
    const made = await syntropy().as(admin.secret, '/access-tokens', {
      method: 'POST',
      body: { name: 'until soon', scopes: ['read'], expiresAt },
    });
    expect([made.status, made.body.key.expiresAt]).toEqual([201, expiresAt]);
    let answer = await syntropy().whoami(made.body.secret);
    expect(answer.status).toBe(200);
    const untilMs = Date.now() + 10_000;
    while (answer.status === 200 && Date.now() < untilMs) answer = await syntropy().whoami(made.body.secret);
    expect([answer.status, answer.body.message]).toEqual([401, 'The API Access Token is outdated.']);
    // Judged by the authority's time, early by at most what asking for it takes (docs/guarantees.md).
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(expiresAt) - 250);
    const inThePast = { name: 'past', scopes: ['read'], expiresAt: '2020-01-01T00:00:00Z' };
    const refused = await syntropy().as(admin.secret, '/access-tokens', { method: 'POST', body: inThePast });
    expect(refused.status).toBe(400);
  });

  it('SYNTROPY-3 a deleted token is gone from the list and blocked at once; a new one works at once', async () => {
    const tenantId = await syntropy().tenant();
    const admin = await syntropy().key({}, tenantId);
    const listed = async () =>
      (await syntropy().as(admin.secret, '/access-tokens')).body.data.map(({ id }: { id: string }) => id);
    for (let times = 0; times < 3; times += 1) {
      const body = { name: 'integration', scopes: ['read'] };
      const made = await syntropy().as(admin.secret, '/access-tokens', { method: 'POST', body });
      expect(made.status).toBe(201);
      const { id } = made.body.key;
      expect((await syntropy().whoami(made.body.secret)).status).toBe(200);
      expect(await listed()).toEqual([id, admin.keyId]);
      const deleted = await syntropy().as(admin.secret, `/access-tokens/${id}`, { method: 'DELETE' });
      expect([deleted.status, deleted.body.status]).toEqual([200, 'enforced']);
      expect((await syntropy().whoami(made.body.secret)).status).toBe(401);
      expect(await listed()).toEqual([admin.keyId]);
    }
  });

  it('SYNTROPY-9 no token, an incorrect one and an outdated one are errors', async () => {
    const { secret, ...token } = await syntropy().key();
    const missing = await syntropy().send({ path: '/api/v1/agents' });
    expect([missing.status, missing.body]).toEqual([
      401,
      { error: 'unauthorized', message: 'No API Access Token was given.' },
    ]);
    const typo = secret.slice(0, -1) + (secret.endsWith('a') ? 'b' : 'a');
    for (const incorrect of [
      typo,
      'x',
      `${secret} `.repeat(2).trim(),
      'sk_live_abc123def456ghi789jkl012mno345',
    ]) {
      const { status, body } = await syntropy().as(incorrect, '/agents');
      expect([incorrect, status, body.error]).toEqual([incorrect, 401, 'unauthorized']);
    }
    expect((await syntropy().as(secret, '/agents')).status).toBe(200);
    await syntropy().revoke(token);
    const blocked = await syntropy().as(secret, '/agents');
    expect([blocked.status, blocked.body.message]).toEqual([401, 'The API Access Token is incorrect.']);
  });

  it('SYNTROPY-10 an unrestricted token makes any call: connections, services, agent tokens and access tokens', async () => {
    const { secret } = await syntropy().key();
    const agent = await syntropy().add(secret, '/agents', { name: 'eu-west-1' });
    const service = await syntropy().add(secret, '/services', { name: 'billing', protocol: 'http' });
    const connection = await syntropy().add(secret, '/connections', {
      agentId: agent.id,
      serviceId: service.id,
      transport: 'direct',
    });
    const token = await syntropy().add(secret, '/agent-tokens', { name: 'installer', agentId: agent.id });
    const made = await syntropy().as(secret, '/access-tokens', { method: 'POST', body: { name: 'second' } });
    expect(made.status).toBe(201);
    for (const [path, id] of [
      ['/agent-tokens', token.id],
      ['/connections', connection.id],
      ['/services', service.id],
      ['/agents', agent.id],
    ] as const) {
      expect(await syntropy().idsOf(secret, path)).toEqual([id]);
      const renamed = {
        method: 'PATCH',
        body: path === '/connections' ? { state: 'paused' } : { name: 'new' },
      };
      expect((await syntropy().as(secret, `${path}/${id}`, renamed)).status).toBe(200);
      expect((await syntropy().as(secret, `${path}/${id}`, { method: 'DELETE' })).status).toBe(204);
      expect(await syntropy().idsOf(secret, path)).toEqual([]);
    }
    const tokenPath = `/access-tokens/${made.body.key.id}`;
    expect((await syntropy().as(secret, tokenPath, { method: 'DELETE' })).status).toBe(200);
    expect((await syntropy().whoami(made.body.secret)).status).toBe(401);
  });

  it('SYNTROPY-1 a token sees its own account’s resources alone', async () => {
    const [mine, theirs] = [await syntropy().key(), await syntropy().key()];
    const { id } = await syntropy().add(theirs.secret, '/agents', { name: 'theirs' });
    expect(await syntropy().idsOf(mine.secret, '/agents')).toEqual([]);
    for (const [method, body] of [['GET'], ['PATCH', { name: 'x' }], ['DELETE']] as const) {
      expect((await syntropy().as(mine.secret, `/agents/${id}`, { method, body })).status).toBe(404);
    }
    expect(await syntropy().idsOf(theirs.secret, '/agents')).toEqual([id]);
  });
});
