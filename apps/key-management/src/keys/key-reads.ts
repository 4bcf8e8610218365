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

export interface KeyPage {
  keys: Versioned<ExistingKey>[];
  /** Where the next page starts; null on the last. */
  nextCursor: string | null;
}

/** Reads of the read model. Those with a tenant see that tenant's rows only. */
export abstract class KeyReads {
  abstract tenant(tenantId: string): Promise<Versioned<ExistingTenant> | undefined>;
  abstract key(tenantId: string, keyId: string): Promise<Versioned<ExistingKey> | undefined>;
  /** Newest first; each status is named once. Rejects with INVALID_REQUEST on a cursor that is none of ours. */
  abstract keys(
    tenantId: string,
    page: {
      environment: 'live' | 'test' | null;
      statuses: readonly KeyStatus[];
      limit: number;
      cursor: string | null;
    },
  ): Promise<KeyPage>;
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
