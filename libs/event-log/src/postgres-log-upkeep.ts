import type { DataSource, EntityManager } from 'typeorm';

const EXPIRED_MAX = 5000;
const COMPACTED_WINDOW = 10_000;
/** Of one partition in one round: what is left over waits for the next. */
const STEPS_MAX = 20;

interface PartitionRow {
  topic: string;
  partition: number;
  cleanup: 'compact' | 'delete';
  retention_ms: string | null;
}

/**
 * One round of what Kafka does by itself: drops the records of `delete` topics that are older than their retention,
 * and of `compact` topics those that a later record with the same key replaces. In short transactions, so that nobody
 * waits for it long; where another instance is at it, this one does nothing.
 */
export async function tidyLog(dataSource: DataSource): Promise<void> {
  const partitions: PartitionRow[] = await dataSource.query(
    `select p.topic, p.partition, t.cleanup, t.retention_ms
       from log.partitions p join log.topics t on t.name = p.topic
      where t.cleanup = 'delete' and t.retention_ms is not null
         or t.cleanup = 'compact' and p.compacted_to < p.next_offset
      order by p.topic, p.partition`,
  );
  for (const row of partitions) {
    for (let step = 0; step < STEPS_MAX; step += 1) {
      const more = await dataSource.transaction(async (manager) => {
        const [lock] = await manager.query(
          `select pg_try_advisory_xact_lock(hashtext('latchkey log upkeep')) as mine`,
        );
        if (!lock.mine) return false;
        return row.cleanup === 'delete' ? expire(manager, row) : compact(manager, row);
      });
      if (!more) break;
    }
  }
}

/** True when there may be more to do. */
async function expire(manager: EntityManager, row: PartitionRow): Promise<boolean> {
  const [, count] = await manager.query(
    `with oldest as (
       select topic, partition, "offset", appended_at from log.records
        where topic = $1 and partition = $2 order by "offset" limit ${EXPIRED_MAX}
     )
     delete from log.records r using oldest o
      where r.topic = o.topic and r.partition = o.partition and r."offset" = o."offset"
        and o.appended_at < clock_timestamp() - $3::bigint * interval '1 millisecond'`,
    [row.topic, row.partition, row.retention_ms],
  );
  return count === EXPIRED_MAX;
}

/**
 * Looks at the next window of records and drops what they replace, in it and before it. What is dropped was looked at
 * in an earlier window or this one, so that after the last window each key has one record.
 */
async function compact(manager: EntityManager, { topic, partition }: PartitionRow): Promise<boolean> {
  const [head] = await manager.query(
    `select compacted_to::text as "from", least(next_offset, compacted_to + ${COMPACTED_WINDOW})::text as "to"
       from log.partitions where topic = $1 and partition = $2`,
    [topic, partition],
  );
  if (head.from === head.to) return false;
  await manager.query(
    `with latest as (
       select key, max("offset") as "offset" from log.records
        where topic = $1 and partition = $2 and "offset" >= $3 and "offset" < $4 and key is not null
        group by key
     )
     delete from log.records r using latest l
      where r.topic = $1 and r.partition = $2 and r.key = l.key and r."offset" < l."offset"`,
    [topic, partition, head.from, head.to],
  );
  await manager.query(`update log.partitions set compacted_to = $3 where topic = $1 and partition = $2`, [
    topic,
    partition,
    head.to,
  ]);
  return true;
}
