import { type Client, credentials, makeGenericClientConstructor } from '@grpc/grpc-js';
import { service as healthService } from 'grpc-health-check';
import { isCounted, type Outcome } from '#libs/contracts';
import {
  Consistency,
  Counting,
  Verdict,
  VerifierServiceClient,
  type VerifyResponse,
} from '#libs/contracts/gen/latchkey/v1/verifier_service';
import type { GrpcCaller, UnaryMethod } from '#libs/service-kit/grpc-caller';
import { channelOptions } from '#libs/service-kit';
import { type Verification, type VerificationRequest, type VerifiedKey, Verifier } from './verifier.js';

/** The one method of grpc.health.v1.Health that is asked. */
type HealthClient = Client & { check: UnaryMethod<{ service: string }, { status: string }> };

const HealthClient = makeGenericClientConstructor(healthService, 'grpc.health.v1.Health');

/** Asks auth-verifier over gRPC. */
export class GrpcVerifier extends Verifier {
  private readonly client: VerifierServiceClient;
  private readonly health: HealthClient;

  constructor(
    address: string,
    private readonly caller: GrpcCaller,
  ) {
    super();
    this.client = new VerifierServiceClient(address, credentials.createInsecure(), channelOptions);
    this.health = new HealthClient(
      address,
      credentials.createInsecure(),
      channelOptions,
    ) as unknown as HealthClient;
  }

  override async verify(request: VerificationRequest): Promise<Verification> {
    const response = await this.caller.call(this.client.verify.bind(this.client), {
      credential: request.credential,
      profile: '',
      requiredScopes: [...request.requiredScopes],
      counting: Counting.CALLER_REPORTS,
      route: request.route,
      method: request.method,
      consistency: Consistency.LEASED,
      atLeastRevision: '',
    });
    const outcome = outcomeOf(response);
    const { requestId } = response;
    if (!isCounted(outcome)) return { outcome, requestId };
    return { outcome, requestId, key: keyOf(response) };
  }

  /**
   * Rejects while the verifier can't be reached. Whether it calls itself ready does not matter: it may answer from what
   * it has while something behind it is away, and says so itself.
   */
  async check(): Promise<void> {
    await this.caller.call(this.health.check.bind(this.health), { service: '' });
  }

  close(): void {
    this.client.close();
    this.health.close();
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
