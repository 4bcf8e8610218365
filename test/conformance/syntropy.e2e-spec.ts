import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, it, jest } from '@jest/globals';
import { breakingChanges } from '../../apps/api/src/openapi/breaking-changes.contract.js';
import type { Product } from './product.js';
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
    const expiresAt = new Date(Date.now() + 6000).toISOString();
    const made = await syntropy().as(admin.secret, '/access-tokens', {
      method: 'POST',
      body: { name: 'until soon', scopes: ['read'], expiresAt },
    });
    expect([made.status, made.body.key.expiresAt]).toEqual([201, expiresAt]);
    let answer = await syntropy().whoami(made.body.secret);
    expect(answer.status).toBe(200);
    const untilMs = Date.now() + 20_000;
    while (answer.status === 200 && Date.now() < untilMs) answer = await syntropy().whoami(made.body.secret);
    expect([answer.status, answer.body.message]).toEqual([401, 'The API Access Token is outdated.']);
    // Judged by the authority's time, early by at most what asking for it takes (docs/guarantees.md), here and now.
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(expiresAt) - 3000);
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

  it('SYNTROPY-4 an account stays in the version of its first call until it upgrades, and a change-log tells why it would', async () => {
    const tenantId = await syntropy().tenant();
    const admin = await syntropy().key({}, tenantId);
    const reader = await syntropy().key({ scopes: ['read'] }, tenantId);
    const first = await syntropy().whoami(reader.secret);
    const newest = first.headers['syntropy-version'];
    const log = await syntropy().as(reader.secret, '/account/api-version');
    expect(log.body).toMatchObject({ version: newest, newest });
    const dates: string[] = log.body.versions.map(({ date }: { date: string }) => date);
    expect(dates.toSorted()).toEqual(dates);
    expect([dates.length >= 3, dates.at(-1)]).toEqual([true, newest]);
    for (const { changeLog } of log.body.versions) expect(changeLog.length).toBeGreaterThan(0);
    const upgrade = (secret: string, body: object = {}) =>
      syntropy().as(secret, '/account/api-version', { method: 'POST', body });
    expect((await upgrade(reader.secret)).status).toBe(403);
    expect((await upgrade(admin.secret, { version: dates[0] })).status).toBe(400);
    expect((await upgrade(admin.secret)).body.version).toBe(newest);
  });

  it('SYNTROPY-4 an account pinned to an old version sees none of the incompatible changes since, and can try them', async () => {
    const [oldest = '', middle = '', ...later] = await versionsOf(syntropy());
    const newest = later.at(-1) ?? '';
    const tenantId = await syntropy().tenant();
    const { secret } = await syntropy().key({}, tenantId);
    await syntropy().pin(tenantId, oldest);
    expect((await syntropy().whoami(secret)).headers['syntropy-version']).toBe(oldest);
    const agent = await syntropy().add(secret, '/agents', { name: 'eu-west-1' });
    // What later versions ask for need not be given, and what they call otherwise has its old name.
    const service = await syntropy().add(secret, '/services', { name: 'billing' });
    expect(service).toMatchObject({ name: 'billing', protocol: 'tcp' });
    const connection = await syntropy().add(secret, '/connections', {
      agentId: agent.id,
      serviceId: service.id,
      status: 'enabled',
      relay: true,
    });
    expect(connection).toMatchObject({ status: 'enabled', relay: true, transport: 'relayed' });
    expect(connection).not.toHaveProperty('state');
    const path = `/connections/${connection.id}`;
    const shownIn = async (version: string) => {
      const headers = { 'syntropy-version': version };
      const { status, body, headers: answered } = await syntropy().as(secret, path, { headers });
      expect([status, answered['syntropy-version']]).toEqual([200, version]);
      return body;
    };
    expect(await shownIn(middle)).toMatchObject({ state: 'active', relay: true });
    expect(await shownIn(newest)).toMatchObject({ state: 'active', transport: 'relayed' });
    expect(await shownIn(newest)).not.toHaveProperty('relay');
    // Trying another version changes nothing for the account.
    expect((await syntropy().as(secret, path)).body).toEqual(connection);
    const renamed = { method: 'PATCH', body: { state: 'paused' } };
    expect((await syntropy().as(secret, path, renamed)).status).toBe(400);
    expect(
      (await syntropy().as(secret, path, { method: 'PATCH', body: { status: 'paused' } })).body,
    ).toMatchObject({
      status: 'paused',
    });
    const upgraded = await syntropy().as(secret, '/account/api-version', { method: 'POST', body: {} });
    expect(upgraded.body.version).toBe(newest);
    expect((await syntropy().as(secret, path)).body).toMatchObject({ state: 'paused', transport: 'relayed' });
    expect((await syntropy().as(secret, '/services', { method: 'POST', body: { name: 'x' } })).status).toBe(
      400,
    );
    for (const unknown of ['2020-01-01', 'newest', '']) {
      const tried = await syntropy().as(secret, path, { headers: { 'syntropy-version': unknown } });
      expect([unknown, tried.status, tried.body.error]).toEqual([unknown, 400, 'bad_request']);
    }
  });

  it('SYNTROPY-4 answers of every version are, to the letter, what they were when it was the newest', async () => {
    for (const version of await versionsOf(syntropy())) {
      const tenantId = await syntropy().tenant();
      const { secret } = await syntropy().key({}, tenantId);
      await syntropy().pin(tenantId, version);
      const answers: Record<string, unknown> = {};
      const ids: Record<string, string> = {};
      const record = async (method: string, path: string, body?: object) => {
        const known = Object.entries(ids).reduce((text, [id, name]) => text.replaceAll(name, id), path);
        const answer = await syntropy().as(secret, known, { method, body });
        answers[`${method} ${path} ${answer.status}`] = answer.body ?? null;
        return answer.body;
      };
      const make = async (collection: string, name: string, body: object) => {
        const { id } = await record('POST', `/${collection}`, body);
        ids[id] = name;
        await record('GET', `/${collection}/${name}`);
        return id;
      };
      const agentId = await make('agents', 'AGENT', { name: 'eu-west-1', description: 'Ireland' });
      const old = version < '2026-02-01';
      const serviceId = await make('services', 'SERVICE', {
        name: 'billing',
        ...(!old && { protocol: 'http' }),
      });
      const connection = {
        agentId,
        serviceId,
        ...(old ? { status: 'enabled' } : { state: 'active' }),
        ...(version < '2026-10-01' ? { relay: false } : { transport: 'relayed' }),
      };
      await make('connections', 'CONNECTION', connection);
      await make('agent-tokens', 'TOKEN', { name: 'installer', agentId });
      for (const collection of ['agents', 'services', 'connections', 'agent-tokens']) {
        await record('GET', `/${collection}`);
      }
      await record('PATCH', '/connections/CONNECTION', old ? { status: 'paused' } : { state: 'paused' });
      await record('POST', '/services', { name: 'x', protocol: 'smtp' });
      await record('GET', '/agents/unknown');
      await record('DELETE', '/connections/CONNECTION');
      const text = Object.entries(ids).reduce(
        (whole, [id, name]) => whole.replaceAll(id, name),
        JSON.stringify(answers),
      );
      const named = JSON.parse(text, timeless);
      expect(named).toEqual(golden(`syntropy-${version}`, named));
    }
  });

  it('SYNTROPY-5 no version says anything but what it said, and backwards-compatible additions', async () => {
    for (const version of await versionsOf(syntropy())) {
      const { status, body } = await syntropy().send({ path: `/openapi.json?version=${version}` });
      expect([status, body.info.version]).toEqual([200, version]);
      const committed = JSON.parse(readFileSync(`docs/openapi/syntropy-${version}.json`, 'utf8'));
      expect(breakingChanges(committed, body)).toEqual([]);
      delete committed.components.schemas.Agents.properties.name;
      expect(breakingChanges(body, committed)).not.toEqual([]);
    }
  });

  it('SYNTROPY-7 skip gives what is listed after an object, take what is before it, in the order that is passed', async () => {
    const { secret } = await syntropy().key();
    const { secret: foreignSecret } = await syntropy().key();
    const names = Array.from({ length: 7 }, (_, n) => `n${n}`);
    const agent = await syntropy().add(secret, '/agents', { name: 'first' });
    const service = await syntropy().add(secret, '/services', { name: 'first', protocol: 'tcp' });
    const bodies: Record<string, (name: string) => object> = {
      '/agents': (name) => ({ name }),
      '/services': (name) => ({ name, protocol: 'tcp' }),
      '/connections': () => ({ agentId: agent.id, serviceId: service.id, transport: 'direct' }),
      '/agent-tokens': (name) => ({ name, agentId: agent.id }),
      '/access-tokens': (name) => ({ name, scopes: ['read'] }),
    };
    for (const [path, bodyOf] of Object.entries(bodies)) {
      for (const name of names) {
        const made = await syntropy().as(secret, path, { method: 'POST', body: bodyOf(name) });
        expect([path, made.status]).toEqual([path, 201]);
      }
      const newestFirst = await syntropy().idsOf(secret, path);
      const oldestFirst = await syntropy().idsOf(secret, `${path}?order=asc`);
      expect(oldestFirst).toEqual(newestFirst.toReversed());
      expect(await syntropy().idsOf(secret, `${path}?order=desc`)).toEqual(newestFirst);
      for (const [order, ids] of [
        ['desc', newestFirst],
        ['asc', oldestFirst],
      ] as const) {
        const [named, at] = [ids[3] as string, 3];
        expect(await syntropy().idsOf(secret, `${path}?order=${order}&skip=${named}`)).toEqual(
          ids.slice(at + 1),
        );
        expect(await syntropy().idsOf(secret, `${path}?order=${order}&take=${named}`)).toEqual(
          ids.slice(0, at),
        );
        const [after, before] = await Promise.all(
          [`skip=${named}`, `take=${named}`].map((by) =>
            syntropy().as(secret, `${path}?order=${order}&limit=2&${by}`),
          ),
        );
        expect(after?.body.data.map(({ id }: { id: string }) => id)).toEqual(ids.slice(at + 1, at + 3));
        expect(before?.body.data.map(({ id }: { id: string }) => id)).toEqual(ids.slice(at - 2, at));
        expect([after?.body.hasMore, before?.body.hasMore]).toEqual([true, true]);
      }
      const both = await syntropy().as(secret, `${path}?skip=${newestFirst[0]}&take=${newestFirst[1]}`);
      expect([path, both.status]).toEqual([path, 400]);
      const known = newestFirst[0] as string;
      for (const by of ['skip', 'take']) {
        const [foreign, unknown, number] = await Promise.all([
          syntropy().as(foreignSecret, `${path}?${by}=${known}`),
          syntropy().as(secret, `${path}?${by}=${known.slice(0, -4)}0000`),
          syntropy().as(secret, `${path}?${by}=2`),
        ]);
        expect([foreign.status, foreign.body]).toEqual([400, unknown.body]);
        expect(number.body).toEqual(unknown.body);
      }
      expect((await syntropy().as(secret, `${path}?order=newest`)).status).toBe(400);
      expect((await syntropy().as(secret, `${path}?cursor=x`)).status).toBe(400);
    }
  });
});

/** Times differ from run to run. */
function timeless(name: string, value: unknown): unknown {
  return name === 'createdAt' || name === 'updatedAt' ? 'TIME' : value;
}

/** What was answered when the version was new; written once, by `LATCHKEY_WRITE_GOLDEN=1`. */
function golden(name: string, answers: object): unknown {
  const file = `test/golden/${name}.json`;
  if (process.env['LATCHKEY_WRITE_GOLDEN'] === '1' && !existsSync(file)) {
    writeFileSync(file, `${JSON.stringify(answers, undefined, 1)}\n`);
  }
  return JSON.parse(readFileSync(file, 'utf8'));
}

/** The dates of the API's versions, oldest first. */
async function versionsOf(product: Product): Promise<string[]> {
  const { secret } = await product.key();
  const { body } = await product.as(secret, '/account/api-version');
  return body.versions.map(({ date }: { date: string }) => date);
}
