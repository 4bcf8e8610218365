/** What is asked about one secret. */
export interface Question {
  readonly credential: string;
  readonly requiredScopes: readonly string[];
  /** How recent the answer must be at least; absent: the lease is enough. */
  readonly atLeastRevision?: string;
}

/** A call that has no answer by then has none: few calls wait at a verifier that is paused, and it answers those first. */
export const DEADLINE_MS = 2500;

export interface VerifierAnswer {
  /** A verdict's name; or why there was none: a rejection's code, or a gRPC status. */
  readonly answer: string;
  readonly revision?: string;
}

/** One that verifies, by whatever way it is asked. */
export interface NemesisVerifier {
  readonly name: string;
  /** Asked with a credential and nothing else: no scopes, and no revision. */
  readonly takesCredentialsAlone: boolean;
  /** Names its memory: another one after each start of its process. */
  incarnation(): string;
  /** One answer to each question, in their order; never rejects. One question is asked alone, several as a batch. */
  verify(questions: readonly Question[]): Promise<VerifierAnswer[]>;
  close(): void;
}
