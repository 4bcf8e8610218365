import type { Enforcement } from '#libs/fence';
import type { FenceReceipt } from './fence-ledger.js';

/** Whether a restriction holds at every verifier. */
export type EnforcementState =
  | ({ status: 'enforced' } & Enforcement)
  /** It holds by then at the latest, by the wall clock, which is for people: milliseconds since the epoch. */
  | { status: 'committed'; enforcedByMs: number };

/** Tells when restrictions hold everywhere. */
export abstract class Enforcements {
  /**
   * Resolves when the entry's restriction holds at every verifier, or with `committed` when the patience is over, or
   * when the process is about to end. Waits are this process's own: asked anew elsewhere, they begin afresh.
   */
  abstract enforce(receipt: FenceReceipt, patienceMs?: number): Promise<EnforcementState>;
}
