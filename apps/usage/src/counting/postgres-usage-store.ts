import type { QueryRunner } from 'typeorm';
import type { LogPosition } from '#libs/event-log';
import { ALL_TENANTS, type PostgresDatabase } from '#libs/service-kit/postgres-database';
import { countEvents } from './postgres-counters.js';
import { type ArrivedEvent, readParkedEvent } from './request-batch.js';
import type { RetentionCutoffs } from './retention-periods.js';
import { type Admission, admit, type Run } from './sequence-admission.js';
import { type ArrivedBatch, type CountedBatch, UsageStore } from './usage-store.js';

/** Parked events that are read at once when a gap is filled. */
const PARKED_PAGE = 5000;

/** The row of an incarnation, locked until the transaction ends. */
interface Reporter {
  incarnation: string;
  lastSequence: number;
  parked: number;
}

export class PostgresUsageStore extends UsageStore {
  constructor(private readonly database: PostgresDatabase) {
    super();
  }

  nextOffset(position: LogPosition): Promise<bigint | undefined> {
    return this.database.inTransaction(ALL_TENANTS, (transaction) => storedOffset(transaction, position, ''));
  }

  count(batch: ArrivedBatch): Promise<CountedBatch | { resumeAt: bigint }> {
    return this.database.inTransaction(ALL_TENANTS, async (transaction) => {
      // The offset's row is locked first: it keeps two readers of one partition, should a group ever have two, apart.
      const stored = await storedOffset(transaction, batch.position, 'for update');
      if (stored !== undefined && batch.firstOffset > stored && batch.resumedAt !== stored) {
        return { resumeAt: stored };
      }
      const outcome = emptyOutcome();
      if (stored !== undefined && batch.firstOffset > stored) {
        outcome.missing = { from: stored, to: batch.firstOffset - 1n };
      }
      // What lies below the stored offset is not skipped but known by its sequences. In a topic that was made anew
      // the offsets begin anew too, and what they hold was never counted.
      await countRuns(transaction, batch.runs, outcome);
      await transaction.query(
        `insert into usage.consumed_offsets (log_id, topic, partition, next_offset) values ($1, $2, $3, $4)
         on conflict (log_id, topic, partition) do update set next_offset = excluded.next_offset`,
        [batch.position.logId, batch.position.topic, batch.position.partition, batch.nextOffset],
      );
      return outcome;
    });
  }

  async parkedEvents(): Promise<number> {
    const rows: { parked: string }[] = await this.database.inTransaction(ALL_TENANTS, (transaction) =>
      transaction.query('select coalesce(sum(parked), 0) as parked from usage.reporters where parked > 0'),
    );
    return Number(rows[0]?.parked);
  }

  forget(cutoffs: RetentionCutoffs, rowsMax: number): Promise<number> {
    return this.database.inTransaction(ALL_TENANTS, async (transaction) => {
      const kinds = [
        { table: 'request_counts', old: 'quarter < $1', cutoffMs: cutoffs.countsMs },
        { table: 'reported_requests', old: 'counted_at < $1', cutoffMs: cutoffs.reportsMs },
        { table: 'reporters', old: 'seen_at < $1 and parked = 0', cutoffMs: cutoffs.reportersMs },
      ];
      let most = 0;
      for (const { table, old, cutoffMs } of kinds) {
        const [, forgotten]: [unknown, number] = await transaction.query(
          `delete from usage.${table} where ctid = any (array(
             select ctid from usage.${table} where ${old} limit $2 for update skip locked))`,
          [new Date(cutoffMs), rowsMax],
        );
        most = Math.max(most, forgotten);
      }
      return most;
    });
  }
}

function emptyOutcome(): CountedBatch {
  return { counted: 0, dropped: 0, malformed: 0, repeated: 0, parked: 0, gaps: [] };
}

async function storedOffset(
  transaction: QueryRunner,
  { logId, topic, partition }: LogPosition,
  lock: '' | 'for update',
): Promise<bigint | undefined> {
  const rows: { next_offset: string }[] = await transaction.query(
    `select next_offset from usage.consumed_offsets where log_id = $1 and topic = $2 and partition = $3 ${lock}`,
    [logId, topic, partition],
  );
  return rows[0] && BigInt(rows[0].next_offset);
}

async function countRuns(
  transaction: QueryRunner,
  runs: ArrivedBatch['runs'],
  outcome: CountedBatch,
): Promise<void> {
  if (runs.length === 0) return;
  const reporters = await lockReporters(transaction, [
    ...new Set(runs.map(({ incarnation }) => incarnation)),
  ]);
  const taken: ArrivedEvent[] = [];
  for (const reporter of reporters) {
    const own = runs.filter(({ incarnation }) => incarnation === reporter.incarnation);
    const admission = admit(reporter.lastSequence, own);
    taken.push(...accept(reporter, admission, outcome));
    await park(transaction, reporter, admission.parked, outcome);
  }
  await countArrived(transaction, taken, outcome);
  for (const reporter of reporters) await unpark(transaction, reporter, outcome);
  await transaction.query(
    `update usage.reporters set last_sequence = change.last_sequence, parked = change.parked, seen_at = now()
     from unnest($1::uuid[], $2::bigint[], $3::bigint[]) as change (incarnation, last_sequence, parked)
     where reporters.incarnation = change.incarnation`,
    [
      reporters.map(({ incarnation }) => incarnation),
      reporters.map(({ lastSequence }) => lastSequence),
      reporters.map(({ parked }) => parked),
    ],
  );
}

/**
 * The row is locked, not only the offset's: were an incarnation's messages ever sent to two partitions, the readers of
 * both would still take each sequence once.
 */
async function lockReporters(transaction: QueryRunner, incarnations: string[]): Promise<Reporter[]> {
  const locked = async () => {
    const rows: { incarnation: string; last_sequence: string; parked: string }[] = await transaction.query(
      `select incarnation, last_sequence, parked from usage.reporters
       where incarnation = any ($1::uuid[]) order by incarnation for update`,
      [incarnations],
    );
    return rows.map((row) => ({
      incarnation: row.incarnation,
      lastSequence: Number(row.last_sequence),
      parked: Number(row.parked),
    }));
  };
  const known = await locked();
  if (known.length === incarnations.length) return known;
  await transaction.query(
    `insert into usage.reporters (incarnation, last_sequence, parked, seen_at)
     select incarnation, 0, 0, now() from unnest($1::uuid[]) as incarnation order by incarnation
     on conflict (incarnation) do nothing`,
    [incarnations],
  );
  return locked();
}

/** The events that take the next sequences. */
function accept(
  reporter: Reporter,
  admission: Admission<ArrivedEvent>,
  outcome: CountedBatch,
): ArrivedEvent[] {
  reporter.lastSequence = admission.lastSequence;
  outcome.dropped += admission.dropped;
  return admission.taken;
}

async function park(
  transaction: QueryRunner,
  reporter: Reporter,
  runs: Run<ArrivedEvent>[],
  outcome: CountedBatch,
): Promise<void> {
  if (runs.length === 0) return;
  const events = runs.flatMap(({ firstSequence, events: own }) =>
    own.map((event, index) => ({ sequence: firstSequence + index, text: JSON.stringify(event ?? null) })),
  );
  const parked: unknown[] = await transaction.query(
    `insert into usage.parked_events (incarnation, sequence, event)
     select $1, sequence, event from unnest($2::bigint[], $3::text[]) as parked (sequence, event)
     on conflict (incarnation, sequence) do nothing returning sequence`,
    [reporter.incarnation, events.map(({ sequence }) => sequence), events.map(({ text }) => text)],
  );
  reporter.parked += parked.length;
  outcome.parked += parked.length;
  outcome.dropped += events.length - parked.length;
}

/** Counts what was parked as far as its gap is filled, and tells of the gap that is left. */
async function unpark(transaction: QueryRunner, reporter: Reporter, outcome: CountedBatch): Promise<void> {
  while (reporter.parked > 0) {
    const rows: { sequence: string; event: string }[] = await transaction.query(
      'select sequence, event from usage.parked_events where incarnation = $1 order by sequence limit $2',
      [reporter.incarnation, PARKED_PAGE],
    );
    const runs = rows.map((row) => ({
      firstSequence: Number(row.sequence),
      events: [readParkedEvent(row.event)],
    }));
    const admission = admit(reporter.lastSequence, runs);
    const taken = accept(reporter, admission, outcome);
    await countArrived(transaction, taken, outcome);
    const [, removed]: [unknown, number] = await transaction.query(
      'delete from usage.parked_events where incarnation = $1 and sequence <= $2',
      [reporter.incarnation, reporter.lastSequence],
    );
    reporter.parked -= removed;
    const [waiting] = admission.parked;
    if (waiting === undefined) continue;
    outcome.gaps.push({
      incarnation: reporter.incarnation,
      expectedSequence: reporter.lastSequence + 1,
      firstParkedSequence: waiting.firstSequence,
    });
    return;
  }
}

/** Counts events of the right form. */
async function countArrived(
  transaction: QueryRunner,
  arrived: readonly ArrivedEvent[],
  outcome: CountedBatch,
): Promise<void> {
  const events = arrived.filter((event) => event !== undefined);
  const repeated = await countEvents(transaction, events);
  outcome.malformed += arrived.length - events.length;
  outcome.repeated += repeated;
  outcome.counted += events.length - repeated;
}
