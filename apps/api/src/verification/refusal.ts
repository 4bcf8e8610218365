import type { Outcome, RejectionCode } from '#libs/contracts';

/** A "no" to a request because of its credential: the problem that it is answered with, and the challenge of RFC 6750. */
export interface Refusal {
  code: RejectionCode;
  /** Value of WWW-Authenticate; null where another credential would not help. */
  challenge: string | null;
}

const REALM = 'Bearer realm="latchkey"';
const INVALID_TOKEN = `${REALM}, error="invalid_token"`;

/** The refusal of a request whose form already tells. No error code where no token was shown (RFC 6750, 3.1). */
export function refusalOfForm(reason: 'missing' | 'malformed'): Refusal {
  return reason === 'missing'
    ? { code: 'UNAUTHENTICATED', challenge: REALM }
    : { code: 'INVALID_CREDENTIAL', challenge: INVALID_TOKEN };
}

/** The refusal that a verdict means, or undefined where the request may pass. */
export function refusalOf(outcome: Outcome, requiredScopes: readonly string[]): Refusal | undefined {
  switch (outcome) {
    case 'VALID':
      return undefined;
    case 'MALFORMED':
    case 'NOT_FOUND':
      return { code: 'INVALID_CREDENTIAL', challenge: INVALID_TOKEN };
    case 'REVOKED':
      return { code: 'CREDENTIAL_REVOKED', challenge: INVALID_TOKEN };
    case 'SECRET_RETIRED':
      return { code: 'CREDENTIAL_RETIRED', challenge: INVALID_TOKEN };
    case 'EXPIRED':
      return { code: 'CREDENTIAL_EXPIRED', challenge: INVALID_TOKEN };
    case 'TENANT_SUSPENDED':
      return { code: 'TENANT_SUSPENDED', challenge: null };
    case 'INSUFFICIENT_SCOPE': {
      const challenge = `${REALM}, error="insufficient_scope", scope="${requiredScopes.join(' ')}"`;
      return { code: 'FORBIDDEN', challenge };
    }
    case 'RATE_LIMITED':
      return { code: 'RATE_LIMITED', challenge: null };
    default: {
      const unknown: never = outcome;
      return unknown;
    }
  }
}
