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
}
