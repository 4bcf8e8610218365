import type { Append } from './event-store.js';
import type { Transaction } from './read-model.js';

/** What else is written in the transaction that stores events, in the order of the commits, and told to who appended. */
export abstract class CommitLog<Projected, Receipt> {
  /**
   * Writes what the appends, which are of different streams, have for it, and answers a receipt for each that has
   * something. Called last before the events are stored: locks it takes are held by nobody who waits for a row of the
   * read model, and are given back by the commit. Where an append turns out not to fit, all of it is rolled back.
   */
  abstract write(
    transaction: Transaction,
    appends: readonly Append<Projected>[],
  ): Promise<(Receipt | undefined)[]>;
}
