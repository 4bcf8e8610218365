import type { Append } from './event-store.js';

/** The part of a database session that a read model needs. */
export interface Transaction {
  query(sql: string, parameters?: unknown[]): Promise<unknown>;
}

/** What is derived from events in the transaction that stores them, and the rules across streams it holds. */
export abstract class ReadModel<Projected> {
  /**
   * Writes what follows from the appends, which are of different streams, and answers for each the code of the rule
   * that refuses it, or undefined. Where it refuses any, the transaction is rolled back and run again without those.
   */
  abstract project(
    transaction: Transaction,
    appends: readonly Append<Projected>[],
  ): Promise<(string | undefined)[]>;
}
