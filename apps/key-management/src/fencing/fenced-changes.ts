import { type FenceEffect, isAwaited } from './fence-change.js';
import type { FenceLedger, FenceReceipt } from './fence-ledger.js';
import type { Revisions } from './revisions.js';

/** What a command came to. */
export interface Committed<Resource> {
  resource: Resource;
  revision: string;
  /** What has to hold at every verifier before the change may be called enforced; null: nothing is taken away. */
  restriction: FenceReceipt | null;
}

/** What a stream's change means to verifiers: as it was committed, or as the log knows it when it is asked for again. */
export class FencedChanges {
  constructor(
    private readonly ledger: Pick<FenceLedger, 'covering' | 'latest' | 'observe'>,
    private readonly revisions: Revisions,
    private readonly nowMs: () => number,
  ) {}

  /**
   * Of a command that left the stream at the version; `receipt` is there where it was carried out just now. A command
   * that is repeated waits for the entry it finds: the answer to the first may have been lost before it was enforced.
   */
  async committed<Resource>(
    resource: Resource,
    stream: string,
    version: number,
    effect: FenceEffect | null,
    receipt?: FenceReceipt,
  ): Promise<Committed<Resource>> {
    const entry = receipt ?? (effect === null ? undefined : await this.find(stream, version));
    const revision = this.revisions.of(stream, version, entry);
    const awaited =
      entry !== undefined && effect !== null && isAwaited(effect, entry.standing.boundMs, this.nowMs());
    return { resource, revision, restriction: awaited ? entry : null };
  }

  /** What to wait for so that all that was committed before this call holds, seen from a stream at a version. */
  async everything(
    stream: string,
    version: number,
  ): Promise<Pick<Committed<unknown>, 'revision' | 'restriction'>> {
    const { standing } = await this.ledger.observe();
    const restriction = { seq: standing.head, profile: null, standing };
    return { revision: this.revisions.of(stream, version, restriction), restriction };
  }

  /** Nothing was ever taken away at the first version. Without an entry that covers a later one, its hint was pruned. */
  private async find(stream: string, version: number): Promise<FenceReceipt | undefined> {
    if (version === 1) return undefined;
    return (await this.ledger.covering(stream, version)) ?? this.ledger.latest(stream);
  }
}
