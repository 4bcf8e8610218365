import type { VerifyRequest, VerifyResponse } from '#libs/contracts/gen/latchkey/v1/verifier_service';

/** What is asked about a credential. Counting is not part of it: whoever asks counts the request with its final status. */
export type VerifierQuestion = Omit<VerifyRequest, 'counting'>;

/**
 * Asks a verifier, wherever it runs. Every answer is a verdict; where none was reached the call rejects, and nothing is
 * known about the credential: with FENCE_LEASE_LAPSED or UNAVAILABLE (try again later), INVALID_REQUEST (its fields are
 * named), or a fault.
 */
export abstract class VerifierClient {
  abstract verify(question: VerifierQuestion): Promise<VerifyResponse>;
  /** The answers in the order of the questions, at most 1000; one without a verdict fails all. */
  abstract verifyBatch(questions: readonly VerifierQuestion[]): Promise<VerifyResponse[]>;
  /** Rejects while it makes no sense to ask. */
  abstract check(): Promise<void>;
  abstract close(): Promise<void>;
}
