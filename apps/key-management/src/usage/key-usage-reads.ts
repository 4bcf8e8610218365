/** How much a key was used; times are ISO 8601, UTC. */
export interface KeyUsageFigures {
  lastUsedAt: string | null;
  lastAuthenticatedAt: string | null;
  requests30d: number;
  refused30d: number;
  byOutcome: Record<string, number>;
  windowStart: string;
}

/** What the usage service tells of a key. */
export abstract class KeyUsageReads {
  /** Zeros for a key it has not heard of. Rejects with UNAVAILABLE while the usage service is away. */
  abstract figures(tenantId: string, keyId: string): Promise<KeyUsageFigures>;

  /**
   * When each of up to 100 keys was last used, milliseconds since the epoch; keys that never were are absent. Rejects
   * with UNAVAILABLE while the usage service is away.
   */
  abstract lastUses(tenantId: string, keyIds: readonly string[]): Promise<Map<string, number>>;
}
