import { describe, expect, it } from '@jest/globals';
import { Consistency, Counting, type VerifyRequest } from '#libs/contracts/gen/latchkey/v1/verifier_service';
import { problemsOfVerify } from './request-fields.js';

const request: VerifyRequest = {
  credential: '',
  profile: '',
  requiredScopes: [],
  counting: Counting.UNSPECIFIED,
  route: '',
  method: '',
  consistency: Consistency.UNSPECIFIED,
  atLeastRevision: '',
  anyOfScopes: undefined,
};

const fieldsOf = (problems: readonly { field: string }[]) => problems.map(({ field }) => field);

describe('a request to verify', () => {
  it('is right with 64 scopes, and with a choice of none', () => {
    expect(problemsOfVerify(request)).toEqual([]);
    const requiredScopes = Array.from({ length: 64 }, (_, index) => `scope:${index}`);
    expect(problemsOfVerify({ ...request, anyOfScopes: { scopes: [] }, requiredScopes })).toEqual([]);
  });

  it.each<[string, Partial<VerifyRequest>, string[]]>([
    [
      'a scope of another form',
      { requiredScopes: ['read', '', 'Write'] },
      ['requiredScopes.1', 'requiredScopes.2'],
    ],
    ['a scope that is too long', { requiredScopes: ['a'.repeat(65)] }, ['requiredScopes.0']],
    ['too many scopes', { requiredScopes: Array.from({ length: 65 }, () => 'a') }, ['requiredScopes']],
    [
      'a choice of a scope of another form',
      { anyOfScopes: { scopes: ['a', '*'] } },
      ['anyOfScopes.scopes.1'],
    ],
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
