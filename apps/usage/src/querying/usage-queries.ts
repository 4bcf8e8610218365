import { Rejection } from '#libs/contracts';
import { type KeyUsageFigures, keyUsageOf } from './key-usage.js';
import type { UsageReads } from './usage-reads.js';
import { usageWindow } from './usage-window.js';

/** Answers how much keys were used in the 30 days that end now. */
export class UsageQueries {
  constructor(
    private readonly reads: UsageReads,
    /** Milliseconds since the epoch. */
    private readonly clock: () => number,
  ) {}

  /** Rejects with KEY_NOT_FOUND for a key that the tenant does not have. */
  async usageOf(tenantId: string, keyId: string): Promise<KeyUsageFigures> {
    const window = usageWindow(this.clock());
    const [stored] = await this.reads.usageOf(tenantId, [keyId], window);
    if (stored === undefined || !stored.known) throw new Rejection('KEY_NOT_FOUND');
    return keyUsageOf(stored, window);
  }

  /** One answer for each id, in their order; zeros for a key that is not known. */
  async usageOfAll(tenantId: string, keyIds: readonly string[]): Promise<KeyUsageFigures[]> {
    const window = usageWindow(this.clock());
    const stored = await this.reads.usageOf(tenantId, keyIds, window);
    return stored.map((usage) => keyUsageOf(usage, window));
  }
}
