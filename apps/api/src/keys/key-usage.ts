/** How much a key was used, and when last. */
export interface Insights {
  /** The last request whose final status was below 400; null: none. */
  lastUsedAt: Date | null;
  /** The last request that named the live key; null: none. */
  lastAuthenticatedAt: Date | null;
  /** Authenticated requests of the 30 days ending now. */
  requests30d: number;
  /** Refused requests of the 30 days ending now. */
  refused30d: number;
  /** Requests of the 30 days by verdict name. */
  byOutcome: Record<string, number>;
  /** Where the 30 days start: a quarter of an hour, UTC. */
  windowStart: Date;
}

/** Tells how much keys were used. */
export abstract class KeyUsage {
  /** The insights of up to 100 keys of one tenant, by key id: of every key that was asked for. */
  abstract insightsOf(tenantId: string, keyIds: readonly string[]): Promise<ReadonlyMap<string, Insights>>;
}
