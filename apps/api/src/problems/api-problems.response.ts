import { applyDecorators } from '@nestjs/common';
import { ApiProblem } from '#libs/service-kit/problem.response';

/** What the routes of the public API may answer instead of what was asked for. */
const PROBLEMS = {
  400: { description: 'The request is not valid; `errors` names each field.' },
  401: {
    description:
      'No valid key: UNAUTHENTICATED (none shown), INVALID_CREDENTIAL, CREDENTIAL_REVOKED, CREDENTIAL_RETIRED or CREDENTIAL_EXPIRED.',
    headers: { 'WWW-Authenticate': 'The challenge of RFC 6750.' },
  },
  403: {
    description:
      'FORBIDDEN (a scope is missing), EXCEEDS_CEILING (wider than the key itself) or TENANT_SUSPENDED.',
  },
  404: { description: 'There is no such key.' },
  409: { description: 'It contradicts the state of the key or tenant; `code` says how.' },
  413: { description: 'The request body is too large.' },
  415: { description: 'The request body is not JSON.' },
  422: { description: 'The Idempotency-Key was used with another request.' },
  429: { description: 'The key’s rate limit is used up.' },
  500: { description: 'A fault of ours; `errorId` finds it in the log.' },
  503: {
    description:
      'UNAVAILABLE (a service behind this one is away) or FENCE_LEASE_LAPSED (it cannot tell what is revoked). Nothing is said about the key.',
    headers: { 'Retry-After': 'Seconds after which to try again.' },
  },
} as const satisfies Record<number, { description: string; headers?: Record<string, string> }>;

/** Describes a route's problems, by status. */
export function ApiProblems(...statuses: (keyof typeof PROBLEMS)[]): MethodDecorator {
  return applyDecorators(
    ...statuses.map((status) => {
      const { description, headers } = { headers: {}, ...PROBLEMS[status] };
      return ApiProblem(status, description, headers);
    }),
  );
}
