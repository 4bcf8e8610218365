import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { eventually } from '#libs/testing/eventually';
import { describeProduct } from './stacks.js';

jest.setTimeout(120_000);

const QUARTER_HOUR_MS = 15 * 60_000;
const DAYS_30_MS = 30 * 24 * 60 * 60_000;

/** What the product's error tracker was told. */
const reports: { errorId: string; service: string; route: string }[] = [];
let tracker: Server;
const environment: Record<string, string> = {
  NODE_OPTIONS: `--import=${pathToFileURL(resolve('test', 'conformance', 'faulty-whoami.mjs')).href}`,
};

beforeAll(async () => {
  tracker = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      reports.push(JSON.parse(Buffer.concat(chunks).toString('utf8')));
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((listening) => tracker.listen(0, '127.0.0.1', listening));
  environment['LATCHKEY_ERROR_TRACKER_URL'] = `http://127.0.0.1:${(tracker.address() as AddressInfo).port}/`;
});

afterAll(() => new Promise((closed) => tracker.close(closed)));

describeProduct({ profile: 'sydnee', basePath: '/api/v1', environment }, (sydnee) => {
  it('SYDNEE-1 a key’s insights say when it was generated', async () => {
    const beforeMs = Date.now();
    const key = await sydnee().key();
    const createdAtMs = Date.parse((await sydnee().usage(key)).createdAt);
    expect(createdAtMs).toBeGreaterThanOrEqual(beforeMs - 1000);
    expect(createdAtMs).toBeLessThanOrEqual(Date.now() + 1000);
    await sydnee().client.manage('POST', `${key.path}/rotate`, {});
    expect(Date.parse((await sydnee().usage(key)).createdAt)).toBe(createdAtMs);
  });

  it('SYDNEE-2 last used is the most recent successful request: any 4xx or 5xx leaves it, null when never used', async () => {
    const key = await sydnee().key();
    const faulty = await sydnee().key({ environment: 'test' });
    expect((await sydnee().usage(key)).lastUsedAt).toBeNull();
    expect((await sydnee().as(key.secret, '/nowhere')).status).toBe(404);
    expect((await sydnee().as(key.secret, '/whoami', { method: 'TRACE' })).status).toBe(403);
    expect((await sydnee().whoami(faulty.secret)).status).toBe(500);
    await eventually(async () => expect((await sydnee().usage(key)).requests30d).toBe(2));
    await eventually(async () => expect((await sydnee().usage(faulty)).requests30d).toBe(1));
    expect((await sydnee().usage(key)).lastUsedAt).toBeNull();
    expect((await sydnee().usage(faulty)).lastUsedAt).toBeNull();
    const beforeMs = Date.now();
    expect((await sydnee().whoami(key.secret)).status).toBe(200);
    const used = await eventually(async () => {
      const { lastUsedAt } = await sydnee().usage(key);
      expect(lastUsedAt).not.toBeNull();
      return lastUsedAt as string;
    });
    expect(Date.parse(used)).toBeGreaterThanOrEqual(beforeMs - 1000);
    expect((await sydnee().as(key.secret, '/nowhere')).status).toBe(404);
    await eventually(async () => expect((await sydnee().usage(key)).requests30d).toBe(4));
    expect((await sydnee().usage(key)).lastUsedAt).toBe(used);
  });

  it('SYDNEE-3 usage counts every request of the key over the last 30 days, and attempts after revocation apart', async () => {
    const key = await sydnee().key();
    for (let times = 0; times < 5; times += 1) await sydnee().whoami(key.secret);
    for (let times = 0; times < 3; times += 1) await sydnee().as(key.secret, '/nowhere');
    await sydnee().revoke(key);
    for (let times = 0; times < 2; times += 1) expect((await sydnee().whoami(key.secret)).status).toBe(401);
    await eventually(async () => {
      const { requests30d, refused30d, byOutcome } = await sydnee().usage(key);
      expect({ requests30d, refused30d, byOutcome }).toMatchObject({
        requests30d: 8,
        refused30d: 2,
        byOutcome: { VALID: 8, REVOKED: 2 },
      });
    });
    const startMs = Date.parse((await sydnee().usage(key)).windowStart);
    expect(startMs % QUARTER_HOUR_MS).toBe(0);
    expect(Math.abs(Date.now() - DAYS_30_MS - startMs)).toBeLessThanOrEqual(QUARTER_HOUR_MS + 1000);
  });

  it('SYDNEE-4 60 requests per minute over all routes; past it 429 with Retry-After and headers, and then it succeeds', async () => {
    const key = await sydnee().key();
    const other = await sydnee().key({}, key.tenantId);
    const paths = ['/whoami', '/nowhere', '/accounts', '/users/1'];
    const admitted = await Promise.all(
      Array.from({ length: 60 }, (_, i) => sydnee().as(key.secret, paths[i % 4] as string)),
    );
    expect(admitted.map(({ status }) => status)).not.toContain(429);
    const limited = await sydnee().whoami(key.secret);
    const limitedAtMs = performance.now();
    expect([limited.status, limited.body.error.message]).toEqual([429, 'Too Many Requests']);
    expect(limited.headers).toMatchObject({
      'ratelimit-policy': '"sydnee";q=60;w=60',
      'x-ratelimit-limit': '60',
      'x-ratelimit-remaining': '0',
    });
    const retryAfterSeconds = Number(limited.headers['retry-after']);
    expect(retryAfterSeconds).toBeGreaterThan(0);
    expect(retryAfterSeconds).toBeLessThanOrEqual(60);
    expect((await sydnee().whoami(other.secret)).status).toBe(200);
    await eventually(
      async () => expect(performance.now() - limitedAtMs).toBeGreaterThan(retryAfterSeconds * 1000),
      { timeoutMs: 70_000 },
    );
    expect((await sydnee().whoami(key.secret)).status).toBe(200);
  });

  it('SYDNEE-6 401 for a missing, invalid or revoked key and for a wrong header', async () => {
    const { secret, ...key } = await sydnee().key();
    const headers = [
      {},
      { authorization: secret },
      { authorization: `Token ${secret}` },
      { authorization: `Bearer ${secret}0` },
      { authorization: 'Bearer' },
      { 'x-api-key': secret },
    ];
    for (const sent of headers) {
      const { status, headers: answered } = await sydnee().send({ path: '/api/v1/accounts', headers: sent });
      expect([sent, status]).toEqual([sent, 401]);
      expect(answered['www-authenticate']).toMatch(/^Bearer /);
    }
    expect((await sydnee().whoami(secret)).status).toBe(200);
    await sydnee().revoke(key);
    expect((await sydnee().whoami(secret)).status).toBe(401);
  });

  it('SYDNEE-5 the OpenAPI document comes from the running server, with schemas, examples, pages and errors', async () => {
    const { status, headers, body } = await sydnee().send({ path: '/openapi.json' });
    expect([status, headers['content-type']]).toEqual([200, expect.stringMatching(/^application\/json/)]);
    expect(body.openapi).toBe('3.1.0');
    const { secret, path } = await sydnee().key();
    await sydnee().client.manage('PUT', `${path}/rate-limit`, { requestsPerMinute: 1000 });
    // It describes what is there: each list that it names is one, and what it does not name is nothing.
    const lists = Object.keys(body.paths).filter((each) => !each.includes('{') && !each.endsWith('/whoami'));
    expect(lists.map((each) => each.replace('/api/v1/', '')).toSorted()).toEqual([
      'accounts',
      'request-templates',
      'requests',
      'users',
    ]);
    for (const list of lists) {
      const authorization = `Bearer ${secret}`;
      const answer = await sydnee().send({ path: list, headers: { authorization } });
      expect([list, answer.status]).toEqual([list, 200]);
      const { get, post } = body.paths[list];
      expect(get.parameters.map(({ name }: { name: string }) => name)).toEqual(['limit', 'order', 'cursor']);
      const page = get.responses[200].content['application/json'];
      expect(Object.keys(page.schema.properties)).toEqual(Object.keys(answer.body));
      expect(post.requestBody.content['application/json'].example).toBeDefined();
    }
    const { 401: unauthorized, 429: limited } = body.paths['/api/v1/users'].get.responses;
    expect([unauthorized, limited]).toEqual([
      { $ref: '#/components/responses/Error401' },
      { $ref: '#/components/responses/Error429' },
    ]);
    expect(Object.keys(body.components.responses.Error429.headers)).toEqual(
      expect.arrayContaining(['Retry-After', 'RateLimit', 'X-RateLimit-Remaining']),
    );
    expect(body.components.schemas.Error.properties.error.required).toEqual(['code', 'message']);
    const page = await sydnee().send({ path: '/docs' });
    expect([page.status, page.headers['content-type']]).toEqual([200, expect.stringContaining('text/html')]);
  });

  it('SYDNEE-7 what is not permitted is 403 "Action not allowed", and changes nothing', async () => {
    const { secret, path } = await sydnee().key();
    await sydnee().client.manage('PUT', `${path}/rate-limit`, { requestsPerMinute: 1000 });
    const account = await sydnee().add(secret, '/accounts', { name: 'Northwind' });
    const user = (wish: object) =>
      sydnee().add(secret, '/users', { accountId: account.id, name: 'Ada', email: 'a@example.com', ...wish });
    const owner = await user({ role: 'owner' });
    const client = await user({ type: 'clientUser' });
    const teamUser = await user({ type: 'teamUser' });
    const empty = await sydnee().add(secret, '/request-templates', { name: 'Empty', items: [] });
    const template = await sydnee().add(secret, '/request-templates', { name: 'Year', items: ['Payroll'] });
    const request = (body: object) => ({ method: 'POST', path: '/requests', body });
    for (const { path: place, ...sent } of [
      { method: 'DELETE', path: `/users/${owner.id}` },
      { method: 'PATCH', path: `/users/${owner.id}`, body: { role: 'member' } },
      request({ userId: teamUser.id, templateId: template.id }),
      request({ userId: teamUser.id, templateId: 'tpl_unknown' }),
      request({ userId: client.id, templateId: empty.id }),
      request({ userId: 'usr_unknown', templateId: empty.id }),
      { method: 'DELETE', path: `/accounts/${account.id}` },
      { method: 'PUT', path: '/accounts', body: { name: 'x' } },
    ]) {
      const { status, body } = await sydnee().as(secret, place, sent);
      expect([sent.method, place, status]).toEqual([sent.method, place, 403]);
      expect(body.error.message).toBe('Action not allowed');
    }
    expect(await sydnee().idsOf(secret, '/requests')).toEqual([]);
    expect((await sydnee().as(secret, `/users/${owner.id}`)).body).toEqual(owner);
    expect((await sydnee().as(secret, `/accounts/${account.id}`)).body).toEqual(account);

    const sent = await sydnee().add(secret, '/requests', { userId: client.id, templateId: template.id });
    expect(await sydnee().idsOf(secret, '/requests')).toEqual([sent.id]);
    expect((await sydnee().as(secret, `/users/${client.id}`, { method: 'DELETE' })).status).toBe(204);
  });

  it('SYDNEE-8 an account or user that is not there, or another company’s, is the same 404', async () => {
    const [mine, theirs] = [await sydnee().key(), await sydnee().key()];
    for (const { path } of [mine, theirs])
      await sydnee().client.manage('PUT', `${path}/rate-limit`, { requestsPerMinute: 1000 });
    const account = await sydnee().add(theirs.secret, '/accounts', { name: 'Northwind' });
    const person = { name: 'Ada', email: 'a@example.com' };
    const user = await sydnee().add(theirs.secret, '/users', { ...person, accountId: account.id });
    const template = await sydnee().add(mine.secret, '/request-templates', { name: 'Year', items: ['x'] });
    const unknown = { account: `acc_${'0'.repeat(32)}`, user: `usr_${'0'.repeat(32)}` };
    const answers = async ({ accountId, userId }: { accountId: string; userId: string }) => {
      const all = await Promise.all([
        sydnee().as(mine.secret, `/accounts/${accountId}`),
        sydnee().as(mine.secret, `/accounts/${accountId}`, { method: 'PATCH', body: { name: 'x' } }),
        sydnee().as(mine.secret, `/users/${userId}`),
        sydnee().as(mine.secret, `/users/${userId}`, { method: 'PATCH', body: { name: 'x' } }),
        sydnee().as(mine.secret, `/users/${userId}`, { method: 'DELETE' }),
        sydnee().as(mine.secret, '/users', { method: 'POST', body: { ...person, accountId } }),
        sydnee().as(mine.secret, '/requests', { method: 'POST', body: { userId, templateId: template.id } }),
      ]);
      return all.map(({ status, body }) => [status, body]);
    };
    const foreign = await answers({ accountId: account.id, userId: user.id });
    expect(foreign).toEqual(await answers({ accountId: unknown.account, userId: unknown.user }));
    expect(new Set(foreign.map(([status]) => status))).toEqual(new Set([404]));
    expect((await sydnee().as(theirs.secret, `/users/${user.id}`)).body).toEqual(user);
  });

  it('SYDNEE-9 a 500 carries an error id that is in the error reporting, and every one is counted', async () => {
    const { secret } = await sydnee().key({ environment: 'test' });
    const ids: string[] = [];
    for (let times = 0; times < 3; times += 1) {
      const { status, body, text } = await sydnee().whoami(secret);
      expect(status).toBe(500);
      expect(text).not.toContain('on purpose');
      expect(body.error.message).toContain(body.error.errorId);
      ids.push(body.error.errorId);
    }
    expect(new Set(ids).size).toBe(3);
    await eventually(() => {
      const reported = reports.filter(({ errorId }) => ids.includes(errorId));
      expect(reported.map(({ errorId }) => errorId).toSorted((a, b) => (a < b ? -1 : 1))).toEqual(
        ids.toSorted((a, b) => (a < b ? -1 : 1)),
      );
      for (const report of reported) expect(report).toMatchObject({ service: 'api', route: '/v1/whoami' });
    });
    const { text } = await sydnee().send({ path: '/metrics' });
    const counted = /^latchkey_faults_total\{service="api",route="\/v1\/whoami"\} (\d+)$/m.exec(text)?.[1];
    expect(Number(counted)).toBeGreaterThanOrEqual(3);
  });

  it('SYDNEE-11 a company has many keys, and revoking one changes no other', async () => {
    const tenantId = await sydnee().tenant();
    const keys = await Promise.all(Array.from({ length: 12 }, () => sydnee().key({}, tenantId)));
    const [first, ...others] = keys;
    if (first === undefined) throw new Error('there is no key');
    await sydnee().revoke(first);
    expect((await sydnee().whoami(first.secret)).status).toBe(401);
    for (const { secret } of others) expect((await sydnee().whoami(secret)).status).toBe(200);
  });
});
