import type { Outcome } from '#libs/contracts';
import type { SecretRecord, TenantRecord } from '#libs/key-view';

/** Which scopes a key must hold for what it is used for. */
export interface NeededScopes {
  allOf: readonly string[];
  /** One of these besides; undefined: none. An empty list no key satisfies. */
  anyOf: readonly string[] | undefined;
}

/** What is known of a credential whose digest belongs to a key. */
export interface KnownCredential {
  secret: SecretRecord;
  tenant: TenantRecord;
}

/**
 * The first outcome that applies, in the order of precedence. A state that is not exactly the good one counts as the
 * bad one: a record from the future never lets anyone pass. `nowMs` is in milliseconds since the epoch.
 */
export function verdictOf(
  known: KnownCredential | undefined,
  needed: NeededScopes,
  nowMs: number,
): Exclude<Outcome, 'MALFORMED' | 'RATE_LIMITED'> {
  if (known === undefined) return 'NOT_FOUND';
  const { secret, tenant } = known;
  if (secret.keyState !== 'active') return 'REVOKED';
  if (!isSecretInForce(secret, nowMs)) return 'SECRET_RETIRED';
  if (secret.expiresAtMs !== null && nowMs >= secret.expiresAtMs) return 'EXPIRED';
  if (tenant.state !== 'active') return 'TENANT_SUSPENDED';
  return holds(secret, needed) ? 'VALID' : 'INSUFFICIENT_SCOPE';
}

function holds({ scopes }: SecretRecord, { allOf, anyOf }: NeededScopes): boolean {
  const held = (scope: string) => scopes.includes(scope);
  return allOf.every(held) && (anyOf === undefined || anyOf.some(held));
}

function isSecretInForce({ secretState, validUntilMs }: SecretRecord, nowMs: number): boolean {
  if (secretState === 'current') return true;
  return secretState === 'previous' && validUntilMs !== null && nowMs < validUntilMs;
}
