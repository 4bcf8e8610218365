import type { SealedRecord } from '#libs/contracts';

/** One page of everything; an empty cursor ends the list. */
export interface RecordPage {
  records: SealedRecord[];
  nextCursor: string;
}

/** Key-management as a verifier asks it. Every method rejects when it can't be reached in time. */
export abstract class KeyAuthority {
  /** The latest record of a digest with its tenant's; undefined where no key ever had it. */
  abstract findSecret(digest: string): Promise<{ secret: SealedRecord; tenant: SealedRecord } | undefined>;

  /** The latest record of a tenant; undefined where there is none. */
  abstract findTenant(tenantId: string): Promise<SealedRecord | undefined>;

  /** The latest records of all secrets there ever were, from a cursor on; empty is the beginning. */
  abstract listSecrets(cursor: string): Promise<RecordPage>;

  /** The latest records of all tenants. */
  abstract listTenants(cursor: string): Promise<RecordPage>;

  /** One real request. */
  abstract check(): Promise<void>;

  abstract close(): void;
}
