import type { Revision, RevisionSeal } from '#libs/fence';
import type { FenceReceipt } from './fence-ledger.js';

/** Gives out the revisions that writes and reads are answered with. */
export class Revisions {
  /** Until the log was looked at: one that no verifier knows, which makes it ask the authority. */
  private epoch = '';

  constructor(private readonly seal: RevisionSeal) {}

  /** Takes the epoch that was read just now. */
  saw({ epoch }: { epoch: string }): void {
    this.epoch = epoch;
  }

  /**
   * Of a stream at a version: with the place in the fence log of the change that led to it, where that is at hand. Of
   * what is new, or only read, the version says all there is: it is the same however often it is asked for.
   */
  of(stream: string, version: number, receipt?: FenceReceipt): string {
    const epoch = receipt?.standing.epoch ?? this.epoch;
    return this.seal.seal({ epoch, head: receipt?.seq ?? 0, stream, version });
  }

  /** Undefined for what is no revision of ours. */
  open(token: string): Revision | undefined {
    return this.seal.open(token);
  }
}
