import { Rejection } from '#libs/contracts';
import { ALL_TENANTS, type PostgresDatabase } from '#libs/service-kit/postgres-database';
import { AppendGroups } from './append-groups.js';
import type { CommitLog } from './commit-log.js';
import {
  type Append,
  type AppendOutcome,
  EventStore,
  type IdempotencyRecord,
  type StoredEvent,
} from './event-store.js';
import { insertEvents, selectEvents } from './postgres-event-rows.js';
import {
  deleteOldIdempotencyRecords,
  insertIdempotencyRecords,
  selectIdempotencyRecord,
} from './postgres-idempotency-records.js';
import type { ReadModel } from './read-model.js';

/** Channel that wakes the relay after a commit. */
export const EVENTS_CHANNEL = 'latchkey_events';

/**
 * Events in PostgreSQL, concurrent appends grouped. A group's transaction takes its locks in one order that is the same
 * for all writers: idempotency keys, the read model's rows, what the commit log locks, and as the last step before the
 * insert the advisory lock of all appends, so that the order of commits is the order of positions and a reader behind a position misses
 * nothing. A lock and what it protects are two statements: in one, the second half would read the snapshot taken
 * before the lock.
 */
export class PostgresEventStore<Projected, Receipt = unknown> extends EventStore<Projected, Receipt> {
  private readonly groups: AppendGroups<Projected, Receipt>;

  constructor(
    private readonly database: PostgresDatabase,
    private readonly readModel: ReadModel<Projected>,
    private readonly commitLog?: CommitLog<Projected, Receipt>,
  ) {
    super();
    this.groups = new AppendGroups(
      (appends) => this.attempt(appends),
      (error) => error instanceof Rejection && error.code === 'UNAVAILABLE',
    );
  }

  read(streamId: string): Promise<StoredEvent[]> {
    return this.select('where stream_id = $1 order by version', [streamId]);
  }

  append(append: Append<Projected>): Promise<AppendOutcome<Receipt>> {
    return this.groups.add(append);
  }

  readAfter(position: number, limit: number): Promise<StoredEvent[]> {
    return this.select('where position > $1 order by position limit $2', [position, limit]);
  }

  async readStreams(streamIds: readonly string[], upToPosition: number): Promise<Map<string, StoredEvent[]>> {
    const events = await this.select(
      'where stream_id = any($1) and position <= $2 order by stream_id, version',
      [streamIds, upToPosition],
    );
    const streams = new Map<string, StoredEvent[]>();
    for (const event of events) {
      const stream = streams.get(event.streamId);
      if (stream === undefined) streams.set(event.streamId, [event]);
      else stream.push(event);
    }
    return streams;
  }

  findIdempotencyRecord(scope: string, key: string): Promise<IdempotencyRecord | undefined> {
    return this.database.inTransaction(ALL_TENANTS, (transaction) =>
      selectIdempotencyRecord(transaction, scope, key),
    );
  }

  keepIdempotencyRecord(record: IdempotencyRecord): Promise<boolean> {
    return this.database.inTransaction(ALL_TENANTS, async (transaction) =>
      (await insertIdempotencyRecords(transaction, [record])).has(record),
    );
  }

  /** Removes idempotency records older than 24 hours, at most `limit`; answers how many. */
  forgetIdempotencyRecords(limit: number): Promise<number> {
    return this.database.inTransaction(ALL_TENANTS, (transaction) =>
      deleteOldIdempotencyRecords(transaction, limit),
    );
  }

  /** All `appended` and committed; or, where any is not, nothing is stored. */
  private async attempt(appends: readonly Append<Projected>[]): Promise<AppendOutcome<Receipt>[]> {
    const outcomes: AppendOutcome<Receipt>[] = appends.map(({ expectedVersion, events }) => ({
      status: 'appended',
      version: expectedVersion + events.length,
    }));
    try {
      await this.database.inTransaction(ALL_TENANTS, async (transaction) => {
        const records = appends.flatMap(({ idempotency }) => idempotency ?? []);
        const kept = await insertIdempotencyRecords(transaction, records);
        appends.forEach(({ idempotency }, index) => {
          if (idempotency && !kept.has(idempotency)) outcomes[index] = { status: 'repeated' };
        });
        giveUpUnlessAppended(outcomes);

        const refusals = await this.readModel.project(transaction, appends);
        refusals.forEach((code, index) => {
          if (code !== undefined) outcomes[index] = { status: 'refused', code };
        });
        giveUpUnlessAppended(outcomes);

        const receipts = (await this.commitLog?.write(transaction, appends)) ?? [];
        // The announcement is sent by the commit, whenever it is asked for, and costs no round trip of its own here.
        await transaction.query(
          `select pg_advisory_xact_lock(hashtext('latchkey append')), pg_notify('${EVENTS_CHANNEL}', '')`,
        );
        const stored = await insertEvents(transaction, appends);
        appends.forEach(({ streamId }, index) => {
          const outcome = outcomes[index];
          if (!stored.has(streamId)) outcomes[index] = { status: 'conflict' };
          else if (outcome?.status === 'appended') outcome.receipt = receipts[index];
        });
        giveUpUnlessAppended(outcomes);
      });
    } catch (error) {
      if (!(error instanceof NotAllAppended)) throw error;
    }
    return outcomes;
  }

  private select(rest: string, parameters: unknown[]): Promise<StoredEvent[]> {
    return this.database.inTransaction(ALL_TENANTS, (transaction) =>
      selectEvents(transaction, rest, parameters),
    );
  }
}

/** Rolls the transaction back. */
class NotAllAppended extends Error {}

function giveUpUnlessAppended(outcomes: readonly AppendOutcome<unknown>[]): void {
  if (outcomes.some(({ status }) => status !== 'appended')) throw new NotAllAppended();
}
