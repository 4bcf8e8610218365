/** What usage has to know of a key; none of it ever changes. */
export interface KnownKey {
  keyId: string;
  tenantId: string;
  /** Milliseconds since the epoch. */
  createdAtMs: number;
}

/** The keys that exist, or existed, as key-management tells. */
export abstract class KnownKeys {
  /** Remembers keys; those known already stay as they are. */
  abstract remember(keys: readonly KnownKey[]): Promise<void>;
}
