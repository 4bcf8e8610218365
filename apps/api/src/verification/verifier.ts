import type { CountedOutcome, Outcome } from '#libs/contracts';

/** The key that a verified credential belongs to. */
export interface VerifiedKey {
  keyId: string;
  tenantId: string;
  environment: 'live' | 'test';
  scopes: readonly string[];
  /** Null for a key that does not expire. */
  expiresAt: Date | null;
  /** Which secret of the key was shown, from 1. */
  secretGeneration: number;
}

/** How a key's limit stands after a request, an exact window over the last 60 seconds. */
export interface RateLimit {
  limit: number;
  remaining: number;
  /** Milliseconds until the whole limit is free again. */
  resetMs: number;
  /** Milliseconds until a request can be admitted; 0 where this one was. */
  retryAfterMs: number;
}

/** A verdict that names a key: the request is counted for it, whatever the outcome. */
export interface Attributed {
  outcome: CountedOutcome;
  /** Names this request wherever it is counted. */
  requestId: string;
  key: VerifiedKey;
  /** Null where nothing was taken from a limit. */
  rateLimit: RateLimit | null;
}

/** A verdict on a credential that is no key's. */
export interface Unattributed {
  outcome: Exclude<Outcome, CountedOutcome>;
  requestId: string;
}

export type Verification = Attributed | Unattributed;

/** One request's credential, with what it is to be used for. */
export interface VerificationRequest {
  credential: string;
  /** The product whose key it must be. */
  profile: string;
  /** One of these must be held by the key; null: none is needed, and of none no key has one. */
  anyOfScopes: readonly string[] | null;
  /** Route pattern, or `unknown`. */
  route: string;
  method: string;
}

/** Tells whether a credential is good. The caller counts the request. */
export abstract class Verifier {
  /** Rejects when no verdict was reached, which says nothing about the credential. */
  abstract verify(request: VerificationRequest): Promise<Verification>;
}
