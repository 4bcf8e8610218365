import { describe, expect, it } from '@jest/globals';
import { type RequestReport, Verdict } from '#libs/contracts/gen/latchkey/v1/verifier_service';
import { problemsOfReport } from './request-fields.js';

const now = 1_800_000_000_000;
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
