import { METHODS } from 'node:http';
import { Rejection } from '#libs/contracts';
import { serveApi, type ServedApi } from '../served-api.contract.js';

const GOOD = 'Authorization: Bearer good';
const JSON_BODY = 'Content-Type: application/json';

describe('every request with a key is verified once and counted once, with the status it is answered with', () => {
  let api: ServedApi;
  beforeEach(async () => {
    api = await serveApi();
  });
  afterEach(() => api.close());

  /** Of all that was sent so far: one verification and one event each, the last with this status, route and method. */
  function expectCounted(requests: number, last: { status: number; route: string; method: string }): void {
    expect(api.verifier.asked).toHaveLength(requests);
    expect(api.reporter.events.map(({ requestId }) => requestId)).toEqual(
      api.verifier.asked.map((_, i) => `request-${i + 1}`),
    );
    expect(api.verifier.asked.at(-1)).toMatchObject({ route: last.route, method: last.method });
    expect(api.reporter.events.at(-1)).toMatchObject({ ...last, caller: 'api', reported: false });
  }

  it('whatever the method, where a route is and where none is', async () => {
    let requests = 0;
    for (const method of METHODS) {
      for (const path of ['/v1/whoami', '/v1/keys', '/nowhere']) {
        const target = method === 'CONNECT' ? `host${path}:443` : path;
        const { status, headers } = await api.send(method, target, [GOOD, JSON_BODY], '{}');
        requests += 1;
        const routed =
          ((method === 'GET' || method === 'HEAD') && path !== '/nowhere') ||
          (method === 'POST' && path === '/v1/keys');
        expectCounted(requests, { status, method, route: routed ? path : 'unknown' });
        const unrouted = path === '/nowhere' || method === 'CONNECT' ? 404 : 405;
        expect(routed ? [200, 400] : [unrouted]).toContain(status);
        expect('allow' in headers).toBe(status === 405);
        expect(headers['content-type']).toContain(status >= 400 ? 'application/problem+json' : 'json');
      }
    }
  });

  it.each([
    ['/%zz', 404, 'unknown'],
    ['/v1/whoami/%', 404, 'unknown'],
    ['/?%zz', 404, 'unknown'],
    ['/v1/whoami?x=%zz', 200, '/v1/whoami'],
    ['/v1/whoami#x', 200, '/v1/whoami'],
    ['//x', 404, 'unknown'],
    ['//v1//whoami', 404, 'unknown'],
    ['/../v1/whoami', 404, 'unknown'],
    ['/docs/../v1/whoami', 404, 'unknown'],
    ['/health/unknown', 404, 'unknown'],
    ['/metrics/', 404, 'unknown'],
    [`/${'a'.repeat(12_000)}`, 404, 'unknown'],
    ['*', 404, 'unknown'],
    ['*v1/whoami', 404, 'unknown'],
    ['http://api.test/v1/whoami', 200, '/v1/whoami'],
    ['HTTP://api.test', 404, 'unknown'],
    ['http://api.test?/v1/whoami', 404, 'unknown'],
    ['ftp://api.test/v1/whoami', 404, 'unknown'],
  ])('whatever the target: %s', async (target, status, route) => {
    const method = target === '*' ? 'OPTIONS' : 'GET';
    const answer = await api.send(method, target);
    expect(answer.status).toBe(status);
    expectCounted(1, { status, route, method });
  });

  it('whatever the length of a parameter', async () => {
    const { status } = await api.send('POST', `/v1/keys/${'k'.repeat(12_000)}/revoke`);
    expect(status).toBe(404);
    expectCounted(1, { status, route: '/v1/keys/:keyId/revoke', method: 'POST' });
  });

  it.each([
    ['Expect: 100-continue', 200],
    ['Expect: something-else', 200],
    ['Connection: Upgrade\r\nUpgrade: websocket', 200],
  ])('whatever it expects: %s', async (header, status) => {
    const answer = await api.send('GET', '/v1/whoami', [GOOD, header, 'Connection: close']);
    expect(answer.status).toBe(status);
    expectCounted(1, { status, route: '/v1/whoami', method: 'GET' });
  });

  it.each([
    ['JSON that is none', JSON_BODY, '{"name":', 400],
    ['a field too many', JSON_BODY, '{"name":"n","scopes":[],"admin":true}', 400],
    ['a form', 'Content-Type: application/x-www-form-urlencoded', 'name=n', 415],
    ['plain text', 'Content-Type: text/plain', 'name', 415],
    ['no type', 'X-Other: 1', '{}', 415],
    ['2 MiB', JSON_BODY, `"${'x'.repeat(2 * 1024 * 1024)}"`, 413],
  ])('whatever the body: %s', async (_, type, body, status) => {
    const answer = await api.send('POST', '/v1/keys', [GOOD, type], body);
    expect(answer.status).toBe(status);
    expect(answer.headers['content-type']).toContain('application/problem+json');
    expectCounted(1, { status, route: '/v1/keys', method: 'POST' });
    expect(api.keyManagement.changes).toHaveLength(0);
  });

  it('when its handling fails, which it is told by an error id alone', async () => {
    api.keyManagement.fault = new Error('duplicate key value violates unique constraint "keys_pkey"');
    const answer = await api.send('GET', '/v1/keys');
    expect(answer.json()).toMatchObject({ status: 500, code: 'INTERNAL', errorId: expect.any(String) });
    expect(answer.body).not.toMatch(/constraint|at .*\.ts/);
    expectCounted(1, { status: 500, route: '/v1/keys', method: 'GET' });
  });

  it('with the time and the key that it was verified with', async () => {
    const before = Date.now();
    await api.send('GET', '/v1/whoami', ['Authorization: Bearer reader']);
    const [event] = api.reporter.events;
    expect(event).toMatchObject({
      tenantId: 'acme',
      keyId: 'key_reader',
      environment: 'live',
      outcome: 'VALID',
    });
    expect(event?.occurredAtMs).toBeGreaterThanOrEqual(before);
  });
});

describe('a request without a good key', () => {
  let api: ServedApi;
  beforeEach(async () => {
    api = await serveApi();
  });
  afterEach(() => api.close());

  it.each([
    ['no header', [], 'UNAUTHENTICATED', 'Bearer realm="latchkey"'],
    ['another scheme', ['Authorization: Basic Z29vZA=='], 'UNAUTHENTICATED', 'Bearer realm="latchkey"'],
    ['two headers', [GOOD, GOOD], 'INVALID_CREDENTIAL', 'Bearer realm="latchkey", error="invalid_token"'],
    [
      '600 bytes',
      [`Authorization: Bearer ${'a'.repeat(600)}`],
      'INVALID_CREDENTIAL',
      'Bearer realm="latchkey", error="invalid_token"',
    ],
    [
      'bytes above ASCII',
      ['Authorization: Bearer g\u00f6\u00f6d'],
      'INVALID_CREDENTIAL',
      'Bearer realm="latchkey", error="invalid_token"',
    ],
  ])('is refused without a question where its form tells: %s', async (_, headers, code, challenge) => {
    for (const path of ['/v1/whoami', '/nowhere', '/health/unknown']) {
      const answer = await api.send('GET', path, headers);
      expect(answer.status).toBe(401);
      expect(answer.headers['www-authenticate']).toBe(challenge);
      expect(answer.headers['content-type']).toContain('application/problem+json');
      expect(answer.json()).toMatchObject({ status: 401, code });
    }
    expect(api.verifier.asked).toHaveLength(0);
    expect(api.reporter.events).toHaveLength(0);
  });

  it.each([
    ['MALFORMED', 401, 'INVALID_CREDENTIAL', 'invalid_token'],
    ['NOT_FOUND', 401, 'INVALID_CREDENTIAL', 'invalid_token'],
    ['REVOKED', 401, 'CREDENTIAL_REVOKED', 'invalid_token'],
    ['SECRET_RETIRED', 401, 'CREDENTIAL_RETIRED', 'invalid_token'],
    ['EXPIRED', 401, 'CREDENTIAL_EXPIRED', 'invalid_token'],
    ['TENANT_SUSPENDED', 403, 'TENANT_SUSPENDED', undefined],
    ['INSUFFICIENT_SCOPE', 403, 'FORBIDDEN', 'insufficient_scope", scope="keys:manage'],
    ['RATE_LIMITED', 429, 'RATE_LIMITED', undefined],
  ])('is refused, and counted where a key is named: %s', async (outcome, status, code, error) => {
    const answer = await api.send('GET', '/v1/keys', [`Authorization: Bearer ${outcome}`]);
    expect(answer.json()).toMatchObject({ status, code });
    expect(answer.status).toBe(status);
    expect(answer.headers['www-authenticate']).toBe(
      error === undefined ? undefined : `Bearer realm="latchkey", error="${error}"`,
    );
    const counted = outcome === 'MALFORMED' || outcome === 'NOT_FOUND' ? [] : [{ outcome, status }];
    expect(api.reporter.events).toMatchObject(counted);
    expect(api.reporter.events).toHaveLength(counted.length);
  });

  it('is refused at an unknown address as anywhere, before it learns that nothing is there', async () => {
    const answer = await api.send('GET', '/nowhere', ['Authorization: Bearer REVOKED']);
    expect(answer.status).toBe(401);
    expect(api.reporter.events).toMatchObject([{ outcome: 'REVOKED', status: 401, route: 'unknown' }]);
  });

  it('lacks the scope that its route asks for, which the one verification already tells', async () => {
    const answer = await api.send('POST', '/v1/keys', ['Authorization: Bearer reader', JSON_BODY], '{}');
    expect(answer.status).toBe(403);
    expect(api.verifier.asked).toMatchObject([{ profile: 'default', anyOfScopes: ['keys:manage'] }]);
    expect(api.reporter.events).toMatchObject([{ outcome: 'INSUFFICIENT_SCOPE', status: 403 }]);
    expect(api.keyManagement.changes).toHaveLength(0);
  });

  it.each([
    ['away', new Rejection('UNAVAILABLE', [], 1)],
    ['at fault', new Error('14 UNAVAILABLE: connect ECONNREFUSED 127.0.0.1:50051')],
    ['refusing our own token', new Rejection('UNAUTHENTICATED')],
  ])('is not judged while the verifier is %s: 503, and nothing counted', async (_, fault) => {
    api.verifier.fault = fault;
    const answer = await api.send('GET', '/v1/whoami');
    expect(answer.json()).toMatchObject({ status: 503, code: 'UNAVAILABLE' });
    expect(answer.headers['retry-after']).toBe('1');
    expect(answer.headers['www-authenticate']).toBeUndefined();
    expect(answer.body).not.toContain('ECONNREFUSED');
    expect(api.reporter.events).toHaveLength(0);
  });

  it('says that the verifier has no lease, which says nothing about the key', async () => {
    api.verifier.fault = new Rejection('FENCE_LEASE_LAPSED', [], 1);
    const answer = await api.send('GET', '/v1/whoami');
    expect(answer.json()).toMatchObject({ status: 503, code: 'FENCE_LEASE_LAPSED' });
    expect(answer.headers['retry-after']).toBe('1');
    expect(api.reporter.events).toHaveLength(0);
  });

  it.each(['/health/live', '/health/ready', '/metrics', '/openapi.json'])(
    'may read %s, where a key is neither needed nor counted',
    async (path) => {
      expect((await api.send('GET', path, [])).status).toBe(200);
      expect((await api.send('GET', path, [GOOD])).status).toBe(200);
      expect(api.verifier.asked).toHaveLength(0);
      expect(api.reporter.events).toHaveLength(0);
    },
  );
});
