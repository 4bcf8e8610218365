import type { KeyStatus } from '#libs/profiles';
import type { StoredEvent } from '#libs/event-store';
import type { ExistingTenant } from '../tenants/tenant.decider.js';
import type { ExistingKey } from './key.state.js';
import type { KeySelection, SelectedKey } from './key-selection.js';

/** A state with the version of its stream. */
export interface Versioned<State> {
  state: State;
  version: number;
}

/** What a list of keys shows, and in which order. */
export interface KeyListing {
  /** Null: both. */
  environment: 'live' | 'test' | null;
  /** Each is named once. */
  statuses: readonly KeyStatus[];
  order: 'newest' | 'oldest';
}

/**
 * Where a page lies: after the page that gave the cursor, after a key, or right before one. The key itself is not on the
 * page, and must be in the list: of the tenant and the environment, with one of the statuses.
 */
export type KeyListPlace = { cursor: string } | { after: string } | { before: string };

export interface KeyListPage extends KeyListing {
  limit: number;
  /** Null: at the start. */
  from: KeyListPlace | null;
}

export interface KeyPage {
  /** In the order of the list, also where the page lies before a key. */
  keys: Versioned<ExistingKey>[];
  /** Whether the list has more: before the page where it lies before a key, else after it. */
  hasMore: boolean;
  /** Where the list goes on; null on the last page, and on one that lies before a key. */
  nextCursor: string | null;
}

/** Reads of the read model. Those with a tenant see that tenant's rows only. */
export abstract class KeyReads {
  abstract tenant(tenantId: string): Promise<Versioned<ExistingTenant> | undefined>;
  abstract key(tenantId: string, keyId: string): Promise<Versioned<ExistingKey> | undefined>;
  /**
   * A page of a tenant's keys in the order in which they were stored, which is that of their commits and never changes:
   * who walks oldest first while keys are made misses none and sees none twice. Of keys made at the same time
   * `createdAt` may differ from it by what their makers' clocks and waits do. Rejects with INVALID_REQUEST on a cursor
   * that is not this list's (`cursor`), and on a key that is not in it (`after_key_id`, `before_key_id`), in the same
   * words whether there is such a key elsewhere or not.
   */
  abstract keys(tenantId: string, page: KeyListPage): Promise<KeyPage>;
  /** Keys that fit the selection and are not revoked, at most `limit`, by id. */
  abstract unrevokedKeys(tenantId: string, selection: KeySelection, limit: number): Promise<SelectedKey[]>;
  /** The key's history, oldest first. */
  abstract events(tenantId: string, keyId: string): Promise<StoredEvent[]>;

  /** The key that has or had the secret with this digest, and its tenant. */
  abstract keyByDigest(
    digest: string,
  ): Promise<{ key: Versioned<ExistingKey>; tenant: Versioned<ExistingTenant> } | undefined>;
  /** Keys of all tenants by id, after a key id. */
  abstract keysAfter(keyId: string, limit: number): Promise<Versioned<ExistingKey>[]>;
  /** All tenants by id, after a tenant id. */
  abstract tenantsAfter(tenantId: string, limit: number): Promise<Versioned<ExistingTenant>[]>;
}
