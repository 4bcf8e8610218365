import type { Client } from 'pg';
import type { ReceivedRecord } from './event-log.js';
import { shareOf } from './partition-share.js';

export const NOTIFY_CHANNEL = 'latchkey_log';

const RECORDS_MAX = 1000;
const BYTES_MAX = 4_000_000;

export interface Place {
  topic: string;
  partition: number;
}

/** A partition and the offset that its next record will get. */
export interface Head extends Place {
  end: bigint;
}

/** `topic/partition` */
export function nameOf({ topic, partition }: Place): string {
  return `${topic}/${partition}`;
}

/**
 * A member of a group on one connection: its locks, its offsets and what it reads. When the connection is lost the
 * locks are free for others, and this member can commit nothing more.
 */
export class PostgresLogSession {
  private readonly lockName: string;

  constructor(
    private readonly client: Client,
    private readonly group: string,
    private readonly topics: readonly string[],
  ) {
    this.lockName = `latchkey log group ${group}`;
  }

  /** Makes this member known to the others of its group. */
  async join(): Promise<void> {
    await this.client.query(`listen ${NOTIFY_CHANNEL}`);
    await this.client.query(`select pg_advisory_lock_shared(hashtext($1), hashtext('members'))`, [
      this.lockName,
    ]);
  }

  async logId(): Promise<string> {
    const { rows } = await this.client.query<{ id: string }>('select id from log.identity');
    const [identity] = rows;
    if (identity === undefined) throw new Error('the log has no identity');
    return identity.id;
  }

  async heads(): Promise<Head[]> {
    const { rows } = await this.client.query<{ topic: string; partition: number; next_offset: string }>(
      `select topic, partition, next_offset from log.partitions where topic = any($1) order by topic, partition`,
      [this.topics],
    );
    return rows.map(({ topic, partition, next_offset }) => ({ topic, partition, end: BigInt(next_offset) }));
  }

  /** How many of so many partitions are this member's due. */
  async share(partitions: number): Promise<number> {
    const { rows } = await this.client.query<{ pid: number; mine: boolean }>(
      `select pid, pid = pg_backend_pid() as mine from pg_locks
        where locktype = 'advisory' and granted and objsubid = 2
          and database = (select oid from pg_database where datname = current_database())
          and classid = hashtext($1)::oid and objid = hashtext('members')::oid`,
      [this.lockName],
    );
    const self = rows.find(({ mine }) => mine);
    if (self === undefined) return 0;
    return shareOf(
      self.pid,
      rows.map(({ pid }) => pid),
      partitions,
    );
  }

  /** True when the partition is this member's alone from now on. */
  async tryClaim(place: Place): Promise<boolean> {
    const { rows } = await this.client.query<{ mine: boolean }>(
      'select pg_try_advisory_lock(hashtext($1), hashtext($2)) as mine',
      [this.lockName, nameOf(place)],
    );
    return rows[0]?.mine === true;
  }

  async release(place: Place): Promise<void> {
    await this.client.query('select pg_advisory_unlock(hashtext($1), hashtext($2))', [
      this.lockName,
      nameOf(place),
    ]);
  }

  /** The group's own offset, 0 at first. */
  async committedOffset({ topic, partition }: Place): Promise<bigint> {
    const { rows } = await this.client.query<{ next_offset: string }>(
      `select next_offset from log.group_offsets where "group" = $1 and topic = $2 and partition = $3`,
      [this.group, topic, partition],
    );
    return BigInt(rows[0]?.next_offset ?? 0);
  }

  async commit({ topic, partition }: Place, next: bigint): Promise<void> {
    await this.client.query(
      `insert into log.group_offsets ("group", topic, partition, next_offset) values ($1, $2, $3, $4)
       on conflict ("group", topic, partition) do update set next_offset = excluded.next_offset`,
      [this.group, topic, partition, String(next)],
    );
  }

  /** At most {@link RECORDS_MAX} records and about {@link BYTES_MAX} bytes of values, but one record if there is any. */
  async fetch({ topic, partition }: Place, from: bigint): Promise<ReceivedRecord[]> {
    const { rows } = await this.client.query<{
      offset: string;
      key: string | null;
      value: Buffer;
      headers: Record<string, string>;
      at_ms: string;
    }>(
      `select "offset", key, value, headers, at_ms
         from (select "offset", key, value, headers,
                      floor(extract(epoch from appended_at) * 1000)::bigint as at_ms,
                      sum(octet_length(value)) over (order by "offset") - octet_length(value) as bytes_before
                 from log.records
                where topic = $1 and partition = $2 and "offset" >= $3
                order by "offset" limit ${RECORDS_MAX}) as candidates
        where bytes_before < ${BYTES_MAX}
        order by "offset"`,
      [topic, partition, String(from)],
    );
    return rows.map(({ offset, key, value, headers, at_ms }) => ({
      offset: BigInt(offset),
      key,
      value,
      headers,
      timestampMs: Number(at_ms),
    }));
  }
}
