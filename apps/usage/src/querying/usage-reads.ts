import type { CountedOutcome } from '#libs/contracts';
import type { UsageWindow } from './usage-window.js';

/** What is stored of a key and its requests of a window. */
export interface StoredUsage {
  keyId: string;
  /** False when neither its creation nor a request of it was heard of. */
  known: boolean;
  createdAt: Date | null;
  lastUsedAt: Date | null;
  lastAuthenticatedAt: Date | null;
  /** Outcomes without a request are absent. */
  counts: Partial<Record<CountedOutcome, number>>;
}

export abstract class UsageReads {
  /** One answer for each id, in their order; another tenant's key is as unknown as one that does not exist. */
  abstract usageOf(tenantId: string, keyIds: readonly string[], window: UsageWindow): Promise<StoredUsage[]>;
}
