/** The five documented products and our own, held to what their documents say, in the documents' own words. */
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { hintOf } from '#libs/key-secret';
import { wordedError } from './error-body.js';
import { ERROR_CAUSES } from './error-table.js';
import { readProfiles } from './file-profiles.js';
import type { ErrorCause, Profile } from './profile.js';
import { requestsPerMinuteOf } from './rate-limits.js';
import { scopesAllowing, scopesOfKey } from './scope-rules.js';

const profiles = readProfiles('deploy/profiles', []);
const profile = (name: string): Profile => profiles.named(name) as Profile;
const [standard, sydnee, sydx, synaptiq, syntropy, seyn] = [
  'default',
  'sydnee',
  'sydx',
  'synaptiq',
  'syntropy',
  'seyn',
].map(profile) as [Profile, Profile, Profile, Profile, Profile, Profile];

const tenantIds = fc.stringMatching(/^[a-z0-9][a-z0-9_-]{0,62}$/);
const limit = (of: Profile, scopes: string[], plan: string | null = null, override: number | null = null) =>
  requestsPerMinuteOf(of, { scopes, plan, override });
const answer = (of: Profile, cause: ErrorCause, errorId: string | null = null) => {
  const { status, body } = wordedError(of, cause, errorId);
  return { status, body };
};
const hint = (of: Profile) => {
  const secret = of.keys.format.compose('live', 'acme', randomBytes);
  const { start, end } = hintOf(secret, of.keys.hint);
  return { secret, start, end };
};
const methodsOf = (of: Profile, scope: string) =>
  ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].filter(
    (method) => scopesAllowing(of, method, 'resources')?.includes(scope) ?? true,
  );
const REFUSED_KEYS: readonly ErrorCause[] = [
  'UNAUTHENTICATED',
  'INVALID_CREDENTIAL',
  'CREDENTIAL_REVOKED',
  'CREDENTIAL_RETIRED',
  'CREDENTIAL_EXPIRED',
];

describe('the shipped profiles', () => {
  it('are the default and the five documented ones, each by hosts of its own', () => {
    expect(profiles.all.map(({ name }) => name)).toEqual([
      'default',
      'seyn',
      'sydnee',
      'sydx',
      'synaptiq',
      'syntropy',
    ]);
    for (const { name } of profiles.all.filter((of) => of !== standard)) {
      expect(profiles.ofHost(`${name}.localhost:3000`)?.name).toBe(name);
    }
    expect(profiles.ofHost('sydxai.com')?.name).toBe('sydx');
    expect(profiles.ofHost('synaptiqintel.com')?.name).toBe('synaptiq');
    expect(profiles.ofHost('127.0.0.1:3000')?.name).toBe('default');
  });

  it.each(profiles.all)('$name has a row without an empty cell for every cause, and a body for it', (of) => {
    expect(Object.keys(of.errors.table).toSorted()).toEqual([...ERROR_CAUSES].toSorted());
    for (const cause of ERROR_CAUSES) {
      const { status, code, message, body } = wordedError(of, cause, 'id-1');
      expect(status).toBeGreaterThanOrEqual(400);
      expect([code, message].every((text) => text.length > 0)).toBe(true);
      if (of !== standard) expect(JSON.stringify(body)).toContain(code);
      expect(JSON.stringify(body ?? {})).not.toMatch(/\{\w+\}/);
    }
  });

  it.each(profiles.all.filter((of) => of !== standard))(
    '$name tells the error id of a fault, and no empty one',
    (of) => {
      expect(JSON.stringify(answer(of, 'INTERNAL', 'id-1').body)).toContain('id-1');
      expect(JSON.stringify(answer(of, 'NOT_FOUND').body)).not.toContain('rrorId');
    },
  );

  it('accept every secret of their own, and none of another whose secrets begin otherwise', () => {
    const begin = (of: Profile) => of.keys.format.compose('live', 't', randomBytes).slice(0, 5);
    const pairs = profiles.all.flatMap((one) => profiles.all.map((other) => [one, other] as const));
    fc.assert(
      fc.property(fc.constantFrom(...pairs), tenantIds, ([one, other], tenantId) => {
        for (const environment of one.keys.environments) {
          const secret = one.keys.format.compose(environment, tenantId, randomBytes);
          expect(one.keys.format.accepts(secret)).toBe(true);
          if (begin(one) !== begin(other)) expect(other.keys.format.accepts(secret)).toBe(false);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('have no rate limit but those that document one', () => {
    expect(profiles.all.filter(({ rateLimit }) => rateLimit === null).map(({ name }) => name)).toEqual([
      'default',
      'sydx',
      'syntropy',
    ]);
  });
});

describe('default', () => {
  it('has our own format, free scopes, keys:manage for keys, and problems', () => {
    const { secret, start } = hint(standard);
    expect(secret).toMatch(/^lk_live_[0-9A-Za-z]{39}$/);
    expect(start).toBe(secret.slice(0, 12));
    expect(scopesOfKey(standard, ['any:thing'])).toEqual({ scopes: ['any:thing'] });
    expect(scopesOfKey(standard, undefined)).toHaveProperty('problems');
    expect(scopesAllowing(standard, 'DELETE', 'managed keys')).toEqual(['keys:manage']);
    expect(standard.errors.body).toBe('problem');
  });
});

describe('sydnee', () => {
  it('SYDNEE-2 "Last used: Most recent successful request"', () => {
    expect(sydnee.keys.lastUsed).toBe('success');
  });

  it('SYDNEE-4 "Global limit: 60 requests per minute" of the key, over everything', () => {
    expect(limit(sydnee, ['full'])).toBe(60);
    expect(sydnee.rateLimit).toMatchObject({ per: 'key', xHeaders: true });
    expect(answer(sydnee, 'RATE_LIMITED')).toEqual({
      status: 429,
      body: { error: { code: 'too_many_requests', message: 'Too Many Requests' } },
    });
  });

  it('SYDNEE-6 "Check Authorization: Bearer <YOUR_API_KEY>": 401 for every key that is refused', () => {
    for (const cause of REFUSED_KEYS) expect(answer(sydnee, cause).status).toBe(401);
    expect(JSON.stringify(answer(sydnee, 'CREDENTIAL_REVOKED').body)).toContain(
      'Authorization: Bearer <YOUR_API_KEY>',
    );
  });

  it('SYDNEE-7 "403 Action not allowed", "404 Not Found"', () => {
    expect(answer(sydnee, 'FORBIDDEN')).toMatchObject({
      status: 403,
      body: { error: { message: 'Action not allowed' } },
    });
    expect(answer(sydnee, 'NOT_FOUND')).toMatchObject({
      status: 404,
      body: { error: { message: 'Not Found' } },
    });
  });

  it('SYDNEE-9 "contact support with the error id from the response"', () => {
    const { status, body } = answer(sydnee, 'INTERNAL', 'e-1');
    expect({ status, body }).toMatchObject({ status: 500, body: { error: { errorId: 'e-1' } } });
    expect(JSON.stringify(body)).toContain('contact support with the error id e-1');
  });
});

describe('sydx', () => {
  it('SYDX-2 "sydx_ + tenantId + _ + random token", a token of small letters and digits without "_"', () => {
    const secret = sydx.keys.format.compose('live', 'your-tenant_id', randomBytes);
    expect(secret).toMatch(/^sydx_your-tenant_id_[a-z0-9]{33,}$/);
    expect(sydx.keys.environments).toEqual(['live']);
  });

  it('SYDX-4 "only the last 4 characters", active keys alone, "last used for authentication"', () => {
    const { secret, start, end } = hint(sydx);
    expect([start, end]).toEqual(['', secret.slice(-4)]);
    expect(sydx.keys).toMatchObject({ listed: ['active'], lastUsed: 'authentication' });
  });

  it('SYDX-6 "Maximum 10 API keys per organization", SYDX-7 "Keys do not expire automatically"', () => {
    expect(sydx.keys).toMatchObject({ maxActive: 10, expiry: 'never', rotation: null });
  });

  it('SYDX-9 "Only Owners and Admins can create, view, or revoke API keys"', () => {
    expect(sydx.roles.filter(({ may }) => may.length > 0)).toEqual([
      { name: 'Owner', may: ['create', 'view', 'revoke'] },
      { name: 'Admin', may: ['create', 'view', 'revoke'] },
    ]);
    expect(sydx.roles.find(({ name }) => name === 'Staff')?.may).toEqual([]);
  });

  it('SYDX-10 401 for a key that is missing, invalid, revoked; 403 "valid but lacks the required permissions"', () => {
    for (const cause of REFUSED_KEYS) expect(answer(sydx, cause).status).toBe(401);
    expect(answer(sydx, 'FORBIDDEN')).toEqual({
      status: 403,
      body: { error: 'Forbidden', message: 'The key is valid but lacks the required permissions.' },
    });
  });

  it('SYDX-13 "Select permissions (default: all)", which never manage keys', () => {
    expect(scopesOfKey(sydx, undefined)).toEqual({ scopes: ['read', 'write'] });
    expect(scopesAllowing(sydx, 'POST', 'managed keys')).toEqual([]);
    expect(sydx.managedKeysPath).toBeNull();
  });
});

describe('synaptiq', () => {
  it('SYNAPTIQ-1 keys as printed: sk_live_ and sk_test_ with 30 small letters and digits, below /api/v1', () => {
    expect(synaptiq.keys.format.accepts('sk_live_abc123def456ghi789jkl012mno345')).toBe(true);
    expect(synaptiq.keys.format.compose('test', 't', randomBytes)).toMatch(/^sk_test_[a-z0-9]{30}$/);
    expect(synaptiq.basePath).toBe('/api/v1');
  });

  it('SYNAPTIQ-2 "Requests over plain HTTP will be rejected"', () => {
    expect(synaptiq.httpsOnly).toBe(true);
    expect(JSON.stringify(answer(synaptiq, 'HTTPS_REQUIRED').body)).toContain(
      'All API requests must be made over HTTPS.',
    );
  });

  it.each([
    ['read', ['GET']],
    ['write', ['GET', 'POST', 'PATCH']],
    ['admin', ['GET', 'POST', 'PATCH', 'DELETE']],
  ])('SYNAPTIQ-3 the scope %s allows %j and no other method', (scope, methods) => {
    expect(methodsOf(synaptiq, scope)).toEqual(methods);
    expect(scopesOfKey(synaptiq, [scope])).toEqual({ scopes: [scope] });
  });

  it('SYNAPTIQ-3 a key has exactly one scope, and admin alone manages keys', () => {
    for (const wished of [undefined, [], ['read', 'write'], ['owner']]) {
      expect(scopesOfKey(synaptiq, wished)).toHaveProperty('problems');
    }
    expect(scopesAllowing(synaptiq, 'GET', 'managed keys')).toEqual(['admin']);
  });

  it('SYNAPTIQ-4 "zero-downtime key rotation" with a grace period', () => {
    expect(synaptiq.keys.rotation?.graceSecondsDefault).toBeGreaterThan(0);
  });

  it('SYNAPTIQ-6 the body that the document prints, to the letter', () => {
    const body = {
      error: {
        code: 'unauthorized',
        message: 'Invalid or missing API key. Provide a valid Bearer token in the Authorization header.',
        doc_url: 'https://synaptiqintel.com/docs/api-reference/authentication',
      },
    };
    for (const cause of REFUSED_KEYS) expect(answer(synaptiq, cause)).toEqual({ status: 401, body });
    expect(answer(synaptiq, 'FORBIDDEN')).toEqual({
      status: 403,
      body: {
        error: { ...body.error, code: 'forbidden', message: 'The API key does not have the required scope.' },
      },
    });
    const forbidden = ERROR_CAUSES.filter((cause) => synaptiq.errors.table[cause].code === 'forbidden');
    expect(forbidden).toEqual(['FORBIDDEN']);
  });

  it.each([
    ['read', 120, 600, 3000],
    ['write', 60, 300, 1500],
    ['admin', 30, 150, 750],
  ])('SYNAPTIQ-7 "%s | %i | %i | %i" requests per minute (Starter, Pro, Enterprise)', (scope, ...limits) => {
    expect(['starter', 'pro', 'enterprise'].map((plan) => limit(synaptiq, [scope], plan))).toEqual(limits);
    expect(synaptiq.plans).toEqual(['starter', 'pro', 'enterprise']);
  });
});

describe('syntropy', () => {
  it('SYNTROPY-1 "multiple access tokens with different permissions", SYNTROPY-2 an expiry date at creation', () => {
    expect(scopesOfKey(syntropy, ['read'])).toEqual({ scopes: ['read'] });
    expect(scopesOfKey(syntropy, ['write', 'access-tokens'])).toEqual({ scopes: ['write', 'access-tokens'] });
    expect(syntropy.keys.expiry).toBe('optional');
  });

  it('SYNTROPY-3 a deleted token is absent from the list at once', () => {
    expect(syntropy.keys.listed).not.toContain('revoked');
  });

  it('SYNTROPY-9 no token, an incorrect and an outdated one are errors, each told apart', () => {
    const answers = (['UNAUTHENTICATED', 'INVALID_CREDENTIAL', 'CREDENTIAL_EXPIRED'] as const).map((cause) =>
      answer(syntropy, cause),
    );
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401]);
    expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(3);
    expect(JSON.stringify(answers)).toMatch(/No API Access Token.*incorrect.*outdated/);
  });

  it('SYNTROPY-10 an unrestricted token makes "any API call", the managing of tokens among them', () => {
    const all = scopesOfKey(syntropy, undefined);
    expect(all).toEqual({ scopes: ['read', 'write', 'access-tokens'] });
    expect(scopesAllowing(syntropy, 'DELETE', 'managed keys')).toEqual(['access-tokens']);
  });
});

describe('seyn', () => {
  it('SEYN-1 sk_live_ and 40 hexadecimal characters, as printed', () => {
    expect(seyn.keys.format.accepts('sk_live_f50f2ffc52a6cc68ea9925d3f25052db8c1cbd44')).toBe(true);
    expect(seyn.keys.format.compose('live', 't', randomBytes)).toMatch(/^sk_live_[0-9a-f]{40}$/);
    expect(seyn.keys.environments).toEqual(['live']);
  });

  it('SEYN-2 "the first 8 characters (the prefix)", and no last ones', () => {
    expect(hint(seyn)).toMatchObject({ start: 'sk_live_', end: '' });
  });

  it('SEYN-3 org:admin creates and revokes, org:member "can’t manage keys"', () => {
    expect(seyn.roles).toEqual([
      { name: 'org:admin', may: ['create', 'view', 'revoke'] },
      { name: 'org:member', may: [] },
    ]);
  });

  it('SEYN-4 "keys are immutable": their limit alone changes', () => {
    expect(seyn.keys).toMatchObject({ changes: ['rateLimit'], rotation: null, expiry: 'never' });
  });

  it.each<[ErrorCause, number, string]>([
    ['UNAUTHENTICATED', 401, 'MISSING_AUTH_HEADER'],
    ['INVALID_CREDENTIAL', 401, 'INVALID_API_KEY'],
    ['CREDENTIAL_REVOKED', 403, 'KEY_REVOKED'],
    ['RATE_LIMITED', 429, 'RATE_LIMITED'],
  ])('SEYN-6 %s is %i %s', (cause, status, code) => {
    expect(answer(seyn, cause)).toMatchObject({ status, body: { code } });
    const others = ERROR_CAUSES.filter((other) => seyn.errors.table[other].code === 'KEY_REVOKED');
    expect(others).toEqual(['CREDENTIAL_REVOKED']);
  });

  it('SEYN-7 "60 requests per minute per key", raised "on specific keys"', () => {
    expect(limit(seyn, ['read'])).toBe(60);
    expect(limit(seyn, ['read'], null, 600)).toBe(600);
    expect(seyn.rateLimit?.per).toBe('key');
  });

  it('SEYN-10 keys "grant read access", "never in browsers"', () => {
    expect(methodsOf(seyn, 'read')).toEqual(['GET', 'HEAD']);
    expect(scopesOfKey(seyn, undefined)).toEqual({ scopes: ['read'] });
    expect(scopesOfKey(seyn, ['read'])).toHaveProperty('problems');
    expect(seyn).toMatchObject({ corsOrigins: [], managedKeysPath: null });
  });
});
