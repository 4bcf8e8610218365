import type { KeyStatus } from '#libs/profiles';
import type { VerifiedKey } from '../verification/verifier.js';

/** A key as its tenant sees it: no secret, no digest. */
export interface ManagedKey {
  id: string;
  tenantId: string;
  name: string;
  environment: 'live' | 'test';
  scopes: string[];
  status: 'active' | 'expired' | 'revoked';
  /** First and last characters of the current secret, to recognise it by. */
  hint: { start: string; end: string };
  metadata: Record<string, unknown>;
  /** What was set for this key alone, requests per minute; null: as profile and plan say. */
  requestsPerMinute: number | null;
  createdAt: Date;
  expiresAt: Date | null;
  revokedAt: Date | null;
  secretGeneration: number;
  /** Until when the previous secret is valid; null when there is none. */
  previousSecretValidUntil: Date | null;
  revision: string;
}

/** A key with its new secret; null where an earlier answer to the same idempotency key had it. */
export interface IssuedKey {
  key: ManagedKey;
  secret: string | null;
}

/** Whether a change holds wherever keys are verified. */
export type Enforcement =
  | {
      status: 'enforced';
      revision: string;
      via: 'acks' | 'leaseExpiry';
      waitedMs: number;
      verifiers: { acked: number; expired: number };
    }
  /** Not yet, by then at the latest; null: nothing is waited for. */
  | { status: 'committed'; revision: string; enforcedBy: Date | null };

export interface ChangedKey {
  key: ManagedKey;
  enforcement: Enforcement;
}

/** On whose behalf a key is changed: what is changed is the manager's tenant's, and never goes beyond its own rights. */
export interface ManagedBy {
  manager: VerifiedKey;
  sourceAddress: string;
  requestId: string;
  /** Null without a trace. */
  traceId: string | null;
  /** Null where the request must not be taken for the repetition of another. */
  idempotencyKey: string | null;
}

export interface NewKey {
  name: string;
  environment: 'live' | 'test';
  /** Null: what the product gives where none are chosen. */
  scopes: string[] | null;
  expiresAt: Date | null;
  metadata: Record<string, unknown>;
}

export interface Rotation {
  /** How long the previous secret stays valid; undefined: the default. */
  graceSeconds: number | undefined;
  /** Allows it while a previous secret is still in its grace period, which ends it. */
  retirePrevious: boolean;
}

/** Where a page lies: after the page that gave the cursor, after a key of the list, or right before one. */
export type KeyListPlace = { cursor: string } | { after: string } | { before: string };

export interface ListedKeys {
  statuses: readonly KeyStatus[];
  limit: number;
  order: 'newest' | 'oldest';
  /** Null: at the start. */
  from: KeyListPlace | null;
}

export interface KeyPage {
  /** In the order of the list, also where the page lies before a key. */
  keys: ManagedKey[];
  /** Whether the list has more: before the page where it lies before a key, else after it. */
  hasMore: boolean;
  /** Null on the last page, and on one that lies before a key. */
  nextCursor: string | null;
}

/** Manages a tenant's keys on behalf of one of them. Rejects with a Rejection where a rule says no. */
export abstract class KeyManagement {
  /**
   * The keys of the manager's tenant and environment that have one of the statuses. INVALID_REQUEST on a key to list after
   * or before that is not among them (`after_key_id`, `before_key_id`), wherever else it may be, and on a cursor of
   * another list (`cursor`).
   */
  abstract list(manager: VerifiedKey, page: ListedKeys): Promise<KeyPage>;
  abstract create(key: NewKey, by: ManagedBy): Promise<IssuedKey>;
  /** As {@link revoke}, it waits until what it ends is refused wherever keys are verified, or so many seconds. */
  abstract rotate(
    keyId: string,
    rotation: Rotation,
    by: ManagedBy,
    waitSeconds: number,
  ): Promise<IssuedKey & ChangedKey>;
  /** Ends the grace period of the secret before the current one; repeating it changes nothing. */
  abstract retirePreviousSecret(keyId: string, by: ManagedBy, waitSeconds: number): Promise<ChangedKey>;
  /** For ever; repeating it changes nothing. */
  abstract revoke(
    keyId: string,
    reason: string | null,
    by: ManagedBy,
    waitSeconds: number,
  ): Promise<ChangedKey>;
  /** How a change of one of the tenant's keys stands, by the revision it was answered with. */
  abstract enforcement(manager: VerifiedKey, revision: string): Promise<Enforcement>;
}
