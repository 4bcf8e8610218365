import {
  Counting,
  type VerifyRequest,
  type VerifyResponse,
} from '#libs/contracts/gen/latchkey/v1/verifier_service';
import { type CredentialVerifier, problemsOfVerify, requireBatch, requireFields } from '#libs/verification';
import { VerifierClient, type VerifierQuestion } from './verifier-client.js';

/** A verifier of this process, with what keeps it going. */
export interface OwnVerifier {
  readonly verifier: CredentialVerifier;
  readonly check: () => void;
  readonly close: () => Promise<void>;
}

/** Verifies in this process, under a lease of its own; no call leaves it for what is near by. */
export class InProcessVerifierClient extends VerifierClient {
  constructor(
    private readonly own: OwnVerifier,
    /** Whose share of the questions to key-management is used. */
    private readonly caller: string,
  ) {
    super();
  }

  override async verify(question: VerifierQuestion): Promise<VerifyResponse> {
    const request = uncounted(question);
    requireFields(problemsOfVerify(request));
    return (await this.own.verifier.verify(request, this.caller)).response;
  }

  override async verifyBatch(questions: readonly VerifierQuestion[]): Promise<VerifyResponse[]> {
    const requests = questions.map(uncounted);
    requireBatch(requests);
    const verifications = await this.own.verifier.verifyAll(requests, this.caller);
    return verifications.map(({ response }) => response);
  }

  /** Rejects while there is no lease: nothing may be answered then. */
  override async check(): Promise<void> {
    this.own.check();
  }

  override close(): Promise<void> {
    return this.own.close();
  }
}

function uncounted(question: VerifierQuestion): VerifyRequest {
  return { ...question, counting: Counting.CALLER_REPORTS };
}
