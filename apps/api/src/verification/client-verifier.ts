import { isCounted, type Outcome } from '#libs/contracts';
import { Consistency, Verdict, type VerifyResponse } from '#libs/contracts/gen/latchkey/v1/verifier_service';
import type { VerifierClient } from '#libs/verifier-client';
import { type Verification, type VerificationRequest, type VerifiedKey, Verifier } from './verifier.js';

/** Reads the answers of a verifier, wherever that runs. */
export class ClientVerifier extends Verifier {
  constructor(private readonly client: VerifierClient) {
    super();
  }

  override async verify(request: VerificationRequest): Promise<Verification> {
    const response = await this.client.verify({
      credential: request.credential,
      profile: request.profile,
      requiredScopes: [],
      route: request.route,
      method: request.method,
      consistency: Consistency.LEASED,
      atLeastRevision: '',
      anyOfScopes: request.anyOfScopes === null ? undefined : { scopes: [...request.anyOfScopes] },
    });
    const outcome = outcomeOf(response);
    const { requestId } = response;
    if (!isCounted(outcome)) return { outcome, requestId };
    return { outcome, requestId, key: keyOf(response), rateLimit: response.rateLimit ?? null };
  }
}

const OUTCOME_OF: Record<Verdict, Outcome | undefined> = {
  [Verdict.UNSPECIFIED]: undefined,
  [Verdict.MALFORMED]: 'MALFORMED',
  [Verdict.NOT_FOUND]: 'NOT_FOUND',
  [Verdict.REVOKED]: 'REVOKED',
  [Verdict.SECRET_RETIRED]: 'SECRET_RETIRED',
  [Verdict.EXPIRED]: 'EXPIRED',
  [Verdict.TENANT_SUSPENDED]: 'TENANT_SUSPENDED',
  [Verdict.INSUFFICIENT_SCOPE]: 'INSUFFICIENT_SCOPE',
  [Verdict.RATE_LIMITED]: 'RATE_LIMITED',
  [Verdict.VALID]: 'VALID',
  [Verdict.UNRECOGNIZED]: undefined,
};

/** Throws on a verdict of a newer verifier that this version does not know: what is not understood is no yes. */
function outcomeOf({ verdict }: VerifyResponse): Outcome {
  const outcome = OUTCOME_OF[verdict];
  if (outcome === undefined) throw new Error(`the verifier answered with an unknown verdict: ${verdict}`);
  return outcome;
}

function keyOf(response: VerifyResponse): VerifiedKey {
  const { keyId, tenantId, environment, scopes, expiresAt, secretGeneration } = response;
  if (keyId === '' || tenantId === '' || (environment !== 'live' && environment !== 'test')) {
    throw new Error(`the verifier answered ${response.verdict} without naming the key`);
  }
  return { keyId, tenantId, environment, scopes, expiresAt: expiresAt ?? null, secretGeneration };
}
