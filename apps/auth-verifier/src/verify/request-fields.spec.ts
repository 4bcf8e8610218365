import { describe, expect, it } from '@jest/globals';
import {
  Consistency,
  Counting,
  type RequestReport,
  Verdict,
  type VerifyRequest,
} from '#libs/contracts/gen/latchkey/v1/verifier_service';
import { problemsOfReport, problemsOfVerify } from './request-fields.js';

const now = 1_800_000_000_000;
const request: VerifyRequest = {
  credential: '',
  profile: '',
  requiredScopes: [],
  counting: Counting.UNSPECIFIED,
  route: '',
  method: '',
  consistency: Consistency.UNSPECIFIED,
  atLeastRevision: '',
};
const report: RequestReport = {
  requestId: '7b1c0b5e-6e5a-4f0e-9b56-0d5b6f6e2a11',
  keyId: 'key_1',
  tenantId: 'acme',
  environment: 'live',
  verdict: Verdict.VALID,
  status: 200,
  route: '/v1/whoami',
  method: 'GET',
  occurredAt: undefined,
};

const fieldsOf = (problems: readonly { field: string }[]) => problems.map(({ field }) => field);

describe('a request to verify', () => {
  it('is right with the default profile by name or by silence, and with 64 scopes', () => {
    expect(problemsOfVerify(request)).toEqual([]);
    const requiredScopes = Array.from({ length: 64 }, (_, index) => `scope:${index}`);
    expect(problemsOfVerify({ ...request, profile: 'default', requiredScopes })).toEqual([]);
  });

  it.each<[string, Partial<VerifyRequest>, string[]]>([
    ['an unknown profile', { profile: 'other' }, ['profile']],
    ['a profile in other letters', { profile: 'Default' }, ['profile']],
    [
      'a scope of another form',
      { requiredScopes: ['read', '', 'Write'] },
      ['requiredScopes.1', 'requiredScopes.2'],
    ],
    ['a scope that is too long', { requiredScopes: ['a'.repeat(65)] }, ['requiredScopes.0']],
    ['too many scopes', { requiredScopes: Array.from({ length: 65 }, () => 'a') }, ['requiredScopes']],
    ['a counting of the future', { counting: Counting.UNRECOGNIZED }, ['counting']],
    ['a route that is too long', { route: 'a'.repeat(257) }, ['route']],
    ['a route with NUL', { route: 'a\u0000' }, ['route']],
    ['a method with a line break', { method: 'GET\n' }, ['method']],
    ['a method that is too long', { method: 'a'.repeat(33) }, ['method']],
  ])('is refused naming the field: %s', (_, changes, fields) => {
    expect(fieldsOf(problemsOfVerify({ ...request, ...changes }))).toEqual(fields);
    const nested = problemsOfVerify({ ...request, ...changes }, 'requests.7.');
    expect(fieldsOf(nested)).toEqual(fields.map((field) => `requests.7.${field}`));
  });
});

describe('a report of a finished request', () => {
  it('is right with any final status or none, now or up to 30 days late', () => {
    for (const status of [0, 100, 599]) expect(problemsOfReport({ ...report, status }, now)).toEqual([]);
    for (const occurredAt of [new Date(now), new Date(now - 29 * 86_400_000), new Date(now + 60_000)]) {
      expect(problemsOfReport({ ...report, occurredAt }, now)).toEqual([]);
    }
  });

  it.each<[string, Partial<RequestReport>, string]>([
    ['no request id', { requestId: '' }, 'requestId'],
    ['a request id that is too long', { requestId: 'a'.repeat(65) }, 'requestId'],
    ['no key', { keyId: '' }, 'keyId'],
    ['a tenant id of another form', { tenantId: 'Acme' }, 'tenantId'],
    ['another environment', { environment: 'staging' }, 'environment'],
    ['a verdict that names no key', { verdict: Verdict.NOT_FOUND }, 'verdict'],
    ['no verdict', { verdict: Verdict.UNSPECIFIED }, 'verdict'],
    ['a verdict of the future', { verdict: Verdict.UNRECOGNIZED }, 'verdict'],
    ['a status below 100', { status: 99 }, 'status'],
    ['a status above 599', { status: 600 }, 'status'],
    ['a time long ago', { occurredAt: new Date(now - 31 * 86_400_000) }, 'occurredAt'],
    ['a time to come', { occurredAt: new Date(now + 3_600_000) }, 'occurredAt'],
    ['a time that is none', { occurredAt: new Date(Number.NaN) }, 'occurredAt'],
    ['a route that is too long', { route: 'a'.repeat(257) }, 'route'],
    ['a method that is too long', { method: 'a'.repeat(33) }, 'method'],
  ])('is refused naming the field: %s', (_, changes, field) => {
    expect(fieldsOf(problemsOfReport({ ...report, ...changes }, now))).toEqual([field]);
  });
});
