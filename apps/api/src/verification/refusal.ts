import type { Outcome, RejectionCode } from '#libs/contracts';

/** A "no" to a request because of its credential: the problem that it is answered with, and the challenge of RFC 6750. */
export interface Refusal {
  code: RejectionCode;
  /** Value of WWW-Authenticate; null where another credential would not help. */
  challenge: string | null;
}

/** The refusal of a request whose form already tells. No error code where no token was shown (RFC 6750, 3.1). */
export function refusalOfForm(reason: 'missing' | 'malformed', realm: string): Refusal {
  return reason === 'missing'
    ? { code: 'UNAUTHENTICATED', challenge: challengeOf(realm) }
    : { code: 'INVALID_CREDENTIAL', challenge: challengeOf(realm, 'error="invalid_token"') };
}

/** The refusal that a verdict means, or undefined where the request may pass. */
export function refusalOf(
  outcome: Outcome,
  anyOfScopes: readonly string[] | null,
  realm: string,
): Refusal | undefined {
  const invalidToken = challengeOf(realm, 'error="invalid_token"');
  switch (outcome) {
    case 'VALID':
      return undefined;
    case 'MALFORMED':
    case 'NOT_FOUND':
      return { code: 'INVALID_CREDENTIAL', challenge: invalidToken };
    case 'REVOKED':
      return { code: 'CREDENTIAL_REVOKED', challenge: invalidToken };
    case 'SECRET_RETIRED':
      return { code: 'CREDENTIAL_RETIRED', challenge: invalidToken };
    case 'EXPIRED':
      return { code: 'CREDENTIAL_EXPIRED', challenge: invalidToken };
    case 'TENANT_SUSPENDED':
      return { code: 'TENANT_SUSPENDED', challenge: null };
    case 'INSUFFICIENT_SCOPE': {
      const scopes =
        anyOfScopes === null || anyOfScopes.length === 0 ? [] : [`scope="${anyOfScopes.join(' ')}"`];
      return { code: 'FORBIDDEN', challenge: challengeOf(realm, 'error="insufficient_scope"', ...scopes) };
    }
    case 'RATE_LIMITED':
      return { code: 'RATE_LIMITED', challenge: null };
    default: {
      const unknown: never = outcome;
      return unknown;
    }
  }
}

function challengeOf(realm: string, ...parameters: string[]): string {
  return [`Bearer realm="${realm}"`, ...parameters].join(', ');
}
