import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type ErrorCause, ERROR_CAUSES, type Profile, Profiles, wordedError } from '#libs/profiles';
import { shippedProfile, shippedProfiles } from '#libs/testing/shipped-profiles';
import { type Answer, serveApi, type ServedApi } from '../served-api.contract.js';

jest.setTimeout(60_000);

const LIMIT = { limit: 60, remaining: 0, resetMs: 59_500, retryAfterMs: 1200 };
/** By what the stand-in verifier says of it. */
const VERDICTS: [credential: string, cause: ErrorCause][] = [
  ['MALFORMED', 'INVALID_CREDENTIAL'],
  ['NOT_FOUND', 'INVALID_CREDENTIAL'],
  ['REVOKED', 'CREDENTIAL_REVOKED'],
  ['SECRET_RETIRED', 'CREDENTIAL_RETIRED'],
  ['EXPIRED', 'CREDENTIAL_EXPIRED'],
  ['TENANT_SUSPENDED', 'TENANT_SUSPENDED'],
  ['INSUFFICIENT_SCOPE', 'FORBIDDEN'],
  ['RATE_LIMITED', 'RATE_LIMITED'],
];

let api: ServedApi;

beforeAll(async () => {
  api = await serveApi({ trustedProxies: ['127.0.0.1'], profiles: withOrigins(shippedProfiles) });
});
afterAll(() => api.close());
beforeEach(() => {
  api.verifier.asked.splice(0);
  api.reporter.events.splice(0);
  api.verifier.rateLimit = null;
  api.verifier.fault = undefined;
});

/** A product for browsers, beside those that are shipped. */
function withOrigins({ all }: Profiles): Profiles {
  const browsers = { ...shippedProfile('sydx'), name: 'browsers', hosts: ['browsers.test'] };
  const rateLimit = shippedProfile('synaptiq').rateLimit;
  return new Profiles([...all, { ...browsers, rateLimit, corsOrigins: ['https://app.test'] }]);
}

function ask(
  { hosts: [host], basePath }: Pick<Profile, 'hosts' | 'basePath'>,
  { method = 'GET', path = '/whoami', headers = ['Authorization: Bearer good'], body = '' } = {},
): Promise<Answer> {
  const name = host === '*' ? 'api.test' : host;
  return api.send(method, basePath + path, ['X-Forwarded-Proto: https', ...headers], body, name);
}

describe.each(shippedProfiles.all.map((profile) => [profile.name, profile] as const))(
  '%s',
  (name, profile) => {
    function expectWorded(answer: Answer, cause: ErrorCause) {
      const { status, code, message, body } = wordedError(profile, cause, null);
      expect([cause, answer.status]).toEqual([cause, status]);
      if (body === undefined) {
        expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
        expect(answer.json()).toMatchObject({ code, status });
      } else {
        expect(answer.headers['content-type']).toMatch(/^application\/json/);
        expect(answer.json()).toEqual(body);
        expect(answer.body).toContain(JSON.stringify(message).slice(1, -1));
      }
      if (status === 401) expect(answer.headers['www-authenticate']).toMatch(/^Bearer realm="/);
    }

    it.each(VERDICTS)('answers a key that is %s in its own words', async (credential, cause) => {
      api.verifier.rateLimit = credential === 'RATE_LIMITED' ? LIMIT : null;
      const answer = await ask(profile, { headers: [`Authorization: Bearer ${credential}`] });
      expectWorded(answer, cause);
      expect(api.verifier.asked).toMatchObject([{ credential, profile: name }]);
      expect(answer.headers['retry-after']).toBe(credential === 'RATE_LIMITED' ? '2' : undefined);
    });

    it('answers a request without a key in its own words, at any address', async () => {
      for (const path of ['/whoami', '/nowhere', '/keys']) {
        expectWorded(await ask(profile, { path, headers: [] }), 'UNAUTHENTICATED');
        expectWorded(await ask(profile, { path, headers: ['Authorization: Basic eA=='] }), 'UNAUTHENTICATED');
      }
      expect(api.verifier.asked).toHaveLength(0);
    });

    it('answers what nobody has with its 404, and never lets one key in elsewhere', async () => {
      expectWorded(await ask(profile, { path: '/nowhere' }), 'NOT_FOUND');
      const elsewhere = await ask({ ...profile, basePath: '/other' });
      expectWorded(elsewhere, 'NOT_FOUND');
      if (profile.managedKeysPath === null) expectWorded(await ask(profile, { path: '/keys' }), 'NOT_FOUND');
    });

    it('answers while nothing can be verified with 503, and says nothing of the key', async () => {
      api.verifier.fault = new Error('a driver’s own words');
      const answer = await ask(profile);
      expectWorded(answer, 'UNAVAILABLE');
      expect(answer.headers['retry-after']).toBe('1');
      expect(api.reporter.events).toHaveLength(0);
    });

    it('has a status and a code for everything there is', () => {
      for (const cause of ERROR_CAUSES) {
        const { status, code } = wordedError(profile, cause, 'id');
        expect([cause, status >= 400, code !== '']).toEqual([cause, true, true]);
      }
    });

    it('shows a limit on every answer that took from it, and on no other', async () => {
      api.verifier.rateLimit = { limit: 60, remaining: 59, resetMs: 59_001, retryAfterMs: 0 };
      for (const path of ['/whoami', '/nowhere']) {
        const { headers } = await ask(profile, { path });
        expect(headers['ratelimit-policy']).toBe(`"${name}";q=60;w=60`);
        expect(headers['ratelimit']).toBe(`"${name}";r=59;t=60`);
        expect(headers['x-ratelimit-limit']).toBe(profile.rateLimit?.xHeaders ? '60' : undefined);
      }
      const refused = await ask(profile, { headers: ['Authorization: Bearer NOT_FOUND'] });
      expect(Object.keys(refused.headers).filter((header) => header.includes('ratelimit'))).toEqual([]);
    });

    it('sends no CORS header, and takes OPTIONS for a request like any other', async () => {
      const headers = [
        'Origin: https://app.test',
        'Access-Control-Request-Method: GET',
        'Authorization: Bearer good',
      ];
      for (const method of ['GET', 'OPTIONS']) {
        const answer = await ask(profile, { method, path: '/nowhere', headers });
        expect(Object.keys(answer.headers).filter((header) => header.startsWith('access-control'))).toEqual(
          [],
        );
      }
      expect(api.verifier.asked).toHaveLength(2);
    });
  },
);

const managing = shippedProfiles.all.filter(({ managedKeysPath }) => managedKeysPath !== null);

describe.each(managing.map((profile) => [profile.name, profile] as const))(
  '%s, where keys manage keys',
  (_, profile) => {
    const JSON_TYPE = 'Content-Type: application/json';
    const keys = profile.managedKeysPath ?? '';
    const good = 'Authorization: Bearer good';

    it.each<[cause: ErrorCause, what: string, Parameters<typeof ask>[1]]>([
      [
        'INVALID_REQUEST',
        'broken JSON',
        { method: 'POST', path: keys, headers: [good, JSON_TYPE], body: '{' },
      ],
      [
        'INVALID_REQUEST',
        'a wrong body',
        { method: 'POST', path: keys, headers: [good, JSON_TYPE], body: '{"name":1}' },
      ],
      [
        'INVALID_REQUEST',
        'no object',
        { method: 'POST', path: keys, headers: [good, JSON_TYPE], body: '[[]]' },
      ],
      ['INVALID_REQUEST', 'a wrong query', { path: `${keys}?limit=1000` }],
      ['INVALID_REQUEST', 'an unknown query', { path: `${keys}?sort=asc` }],
      [
        'UNSUPPORTED_MEDIA_TYPE',
        'another type',
        { method: 'POST', path: keys, headers: [good, 'Content-Type: text/xml'], body: '<a/>' },
      ],
      [
        'PAYLOAD_TOO_LARGE',
        'two MiB',
        {
          method: 'POST',
          path: keys,
          headers: [good, JSON_TYPE],
          body: JSON.stringify({ name: 'n'.repeat(2_097_152) }),
        },
      ],
      ['KEY_NOT_FOUND', 'an unknown key', { method: 'DELETE', path: `${keys}/key_of_somebody_else` }],
      ['KEY_NOT_FOUND', 'what is no key', { method: 'POST', path: `${keys}/%00/rotate` }],
      ['NOT_FOUND', 'an unknown route', { path: `${keys}/a/b/c` }],
    ])('answers %s to %s in its own words', async (cause, what, request) => {
      const { status, code } = wordedError(profile, cause, null);
      const answer = await ask(profile, request);
      expect([what, answer.status]).toEqual([what, status]);
      expect(answer.body).toContain(`"${code}"`);
    });

    it('takes a content type without a body for none, where none is needed', async () => {
      const headers = [good, JSON_TYPE];
      const made = await ask(profile, {
        method: 'POST',
        path: keys,
        headers,
        body: '{"name":"n","scopes":[]}',
      });
      const { id } = made.json()['key'] as { id: string };
      for (const length of [[], ['Content-Length: 0']]) {
        const wish = { headers: [...headers, ...length] };
        const rotated = await ask(profile, { ...wish, method: 'POST', path: `${keys}/${id}/rotate` });
        const revoked = await ask(profile, { ...wish, method: 'DELETE', path: `${keys}/${id}` });
        expect([rotated.status, revoked.status]).toEqual([200, 200]);
        const nameless = await ask(profile, { ...wish, method: 'POST', path: keys });
        expect(nameless.status).toBe(wordedError(profile, 'INVALID_REQUEST', null).status);
      }
    });

    it('says at its own address where a change can be asked for', async () => {
      api.keyManagement.enforcedAfterSeconds = 60;
      const made = await ask(profile, {
        method: 'POST',
        path: keys,
        headers: [good, JSON_TYPE],
        body: '{"name":"n","scopes":[]}',
      });
      expect(made.status).toBe(201);
      const { id } = made.json()['key'] as { id: string };
      const revoked = await ask(profile, {
        method: 'DELETE',
        path: `${keys}/${id}`,
        headers: [good, 'Prefer: wait=0'],
      });
      api.keyManagement.enforcedAfterSeconds = 0;
      expect([revoked.status, revoked.headers['location']]).toEqual([
        202,
        `${profile.basePath}/enforcements/r`,
      ]);
      const asked = await ask(profile, { path: '/enforcements/r', headers: [good, JSON_TYPE] });
      expect(asked.status).toBe(200);
    });

    it('lists what it shows, with the last use as it counts it', async () => {
      const answer = await ask(profile, { path: keys, headers: [good, JSON_TYPE] });
      const listed = answer.json()['data'] as { status: string; insights: { lastUsedAt: string | null } }[];
      expect(answer.status).toBe(200);
      for (const { status, insights } of listed) {
        expect(profile.keys.listed).toContain(status);
        expect(insights.lastUsedAt === null).toBe(profile.keys.lastUsed === 'authentication');
      }
    });
  },
);

describe('a product that takes HTTPS alone', () => {
  const synaptiq = shippedProfile('synaptiq');
  const plain = (...headers: string[]) =>
    api.send('GET', '/api/v1/whoami', headers, '', 'synaptiq.localhost');

  it('refuses plain HTTP before the key is looked at, and counts nothing', async () => {
    for (const proto of [[], ['X-Forwarded-Proto: http'], ['X-Forwarded-Proto: https, http']]) {
      const answer = await plain('Authorization: Bearer good', ...proto);
      expect([answer.status, answer.json()]).toEqual([
        403,
        wordedError(synaptiq, 'HTTPS_REQUIRED', null).body,
      ]);
    }
    expect(api.verifier.asked).toHaveLength(0);
    expect(api.reporter.events).toHaveLength(0);
    expect((await plain('Authorization: Bearer good', 'X-Forwarded-Proto: https')).status).toBe(200);
  });
});

describe('a product for browsers', () => {
  const browsers = { hosts: ['browsers.test'], basePath: '/api/v1' };
  const preflight = (origin: string) =>
    ask(browsers, {
      method: 'OPTIONS',
      path: '/contacts',
      headers: [`Origin: ${origin}`, 'Access-Control-Request-Method: POST'],
    });

  it('lets pages of its origins ask what they may send, without a key', async () => {
    const answer = await preflight('https://app.test');
    expect(answer.status).toBe(204);
    expect(answer.headers).toMatchObject({
      'access-control-allow-origin': 'https://app.test',
      'access-control-allow-methods': 'GET, HEAD, POST, PUT, PATCH, DELETE',
      vary: 'Origin',
    });
    expect(api.verifier.asked).toHaveLength(0);
  });

  it('lets them read answers and refusals alike, and no other pages', async () => {
    for (const authorization of ['Bearer good', 'Bearer NOT_FOUND']) {
      const headers = ['Origin: https://app.test', `Authorization: ${authorization}`];
      expect((await ask(browsers, { headers })).headers['access-control-allow-origin']).toBe(
        'https://app.test',
      );
    }
    api.verifier.rateLimit = LIMIT;
    const { headers } = await ask(browsers, {
      headers: ['Origin: https://app.test', 'Authorization: Bearer RATE_LIMITED'],
    });
    const exposed = headers['access-control-expose-headers']?.split(', ') ?? [];
    const limits = Object.keys(headers).filter((header) => /ratelimit|retry-after/.test(header));
    expect(limits).toContain('x-ratelimit-limit');
    expect(exposed).toEqual(expect.arrayContaining(limits));
    const foreign = await preflight('https://evil.test');
    expect([foreign.status, foreign.headers['access-control-allow-origin']]).toEqual([401, undefined]);
  });
});

describe('the host', () => {
  it('is one: a request that names several is refused before its key is looked at', async () => {
    const twice = await serveApi();
    const asked = await twice.send(
      'GET',
      '/api/v1/whoami',
      ['Authorization: Bearer good', 'Host: seyn.localhost'],
      '',
      'sydx.localhost',
    );
    expect([asked.status, asked.json()['error']]).toEqual([400, 'BadRequest']);
    expect(twice.verifier.asked).toEqual([]);
    await twice.close();
  });

  it('is that of a target in absolute form, whatever the Host field says', async () => {
    const target = 'http://seyn.localhost/api/v1/whoami';
    const { status } = await api.send('GET', target, ['Authorization: Bearer good'], '', 'sydx.localhost');
    expect(status).toBe(200);
    expect(api.verifier.asked).toMatchObject([{ profile: 'seyn' }]);
  });

  it.each([
    ['synaptiq.localhost:3000', 'synaptiq'],
    ['SYNAPTIQ.localhost.', 'synaptiq'],
    ['synaptiqintel.com', 'synaptiq'],
    ['evil-synaptiqintel.com', 'default'],
    ['127.0.0.1:3000', 'default'],
    ['[::1]:3000', 'default'],
  ])('%s is asked for %s', async (host, profile) => {
    const path = profile === 'default' ? '/v1/whoami' : '/api/v1/whoami';
    const headers = [
      'Authorization: Bearer good',
      'X-Forwarded-Proto: https',
      'X-Forwarded-Host: seyn.localhost',
    ];
    expect((await api.send('GET', path, headers, '', host)).status).toBe(200);
    expect(api.verifier.asked).toMatchObject([{ profile }]);
  });
});
