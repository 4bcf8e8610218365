import { setTimeout as sleep } from 'node:timers/promises';
import type { DataSource, EntityManager } from 'typeorm';
import type { TopicDefinition } from '#libs/contracts';
import type { Logger } from '#libs/service-kit';
import {
  EventLog,
  type LogRecord,
  type LogSubscription,
  type Subscription,
  TopicMismatch,
} from './event-log.js';
import { partitionOf } from './key-partition.js';
import { CreateLog1763800000000 } from './migrations/1763800000000-create-log.js';
import { NOTIFY_CHANNEL } from './postgres-log-session.js';
import { PostgresLogSubscription } from './postgres-log-subscription.js';
import { tidyLog } from './postgres-log-upkeep.js';
import { chunksOf } from './record-chunks.js';

/** Of the schema `log`, for the role that owns it. */
export const LOG_MIGRATIONS = [CreateLog1763800000000];

export interface PostgresLogOptions {
  /** Connected as the runtime role `latchkey_log`; its maker migrates and closes it. */
  database: { readonly dataSource: DataSource; readonly ready: Promise<void>; check(): Promise<void> };
  /** The runtime role's URL: each subscription holds its locks on a connection of its own. */
  url: string;
  /** Certificate authority of the server; set, TLS is required and checked. */
  tlsCaFile?: string | undefined;
  /** How long a partition rests after its handler threw (default 1,000). */
  retryPauseMs?: number | undefined;
  /** How often expired and replaced records are dropped (default 60,000). */
  upkeepIntervalMs?: number | undefined;
}

const CHUNK_BYTES_MAX = 4_000_000;
const DECLARE_PAUSE_MS = 1000;

interface Topic {
  partitions: number;
  cleanup: 'compact' | 'delete';
}

/**
 * The log of the embedded default, on PostgreSQL. Offsets of a partition are dense and become visible in their order:
 * an append takes them from the partition's head row, whose lock it holds until it commits.
 */
export class PostgresEventLog extends EventLog {
  private readonly dataSource: DataSource;
  private readonly subscriptions = new Set<PostgresLogSubscription>();
  private readonly topics = new Map<string, Topic>();
  private readonly closing = new AbortController();
  private readonly upkeep: NodeJS.Timeout;
  private tidying: Promise<void> = Promise.resolve();
  private spread = 0;

  constructor(
    private readonly options: PostgresLogOptions,
    private readonly logger: Logger,
  ) {
    super();
    this.dataSource = options.database.dataSource;
    this.upkeep = setInterval(() => this.tidy(), options.upkeepIntervalMs ?? 60_000);
  }

  async declare(topics: readonly TopicDefinition[]): Promise<void> {
    await this.options.database.ready;
    for (;;) {
      this.closing.signal.throwIfAborted();
      try {
        await this.dataSource.transaction(async (manager) => {
          for (const topic of topics) await ensureTopic(manager, topic);
        });
        return;
      } catch (err) {
        if (err instanceof TopicMismatch) throw err;
        this.logger.warn({ err, dependency: 'postgres' }, 'cannot make the topics yet, trying again');
      }
      await sleep(DECLARE_PAUSE_MS, undefined, { signal: this.closing.signal });
    }
  }

  async publish(topic: string, records: readonly LogRecord[], partition?: number): Promise<void> {
    this.assertUsable();
    const { partitions, cleanup } = await this.topicOf(topic);
    if (cleanup === 'compact' && records.some(({ key }) => key === null)) {
      throw new Error(`a record of ${topic} has no key, and the topic keeps the last of each key`);
    }
    const parts = new Map<number, LogRecord[]>();
    for (const record of records) {
      const place = partition ?? this.place(record, partitions);
      const part = parts.get(place);
      if (part === undefined) parts.set(place, [record]);
      else part.push(record);
    }
    // In one order for all who publish: two of them with the same partitions must not wait for each other.
    const appends = [...parts]
      .toSorted(([a], [b]) => a - b)
      .flatMap(([place, part]) => chunksOf(part, CHUNK_BYTES_MAX).map((chunk) => ({ place, chunk })));
    const [only] = appends;
    if (only === undefined) return;
    if (appends.length === 1) {
      await append(this.dataSource.manager, topic, only.place, only.chunk);
      return;
    }
    await this.dataSource.transaction(async (manager) => {
      for (const { place, chunk } of appends) await append(manager, topic, place, chunk);
    });
  }

  async subscribe(subscription: LogSubscription): Promise<Subscription> {
    this.closing.signal.throwIfAborted();
    const reader = new PostgresLogSubscription(this.options, subscription);
    this.subscriptions.add(reader);
    await reader.arranged;
    return {
      close: async () => {
        await reader.close();
        this.subscriptions.delete(reader);
      },
    };
  }

  async check(): Promise<void> {
    await this.options.database.check();
  }

  async close(): Promise<void> {
    this.closing.abort(new Error('the event log is closed'));
    clearInterval(this.upkeep);
    await Promise.all([...this.subscriptions].map((reader) => reader.close()));
    await this.tidying;
  }

  private assertUsable(): void {
    this.closing.signal.throwIfAborted();
    if (!this.dataSource.isInitialized) throw new Error('the event log has not reached PostgreSQL yet');
  }

  private async topicOf(name: string): Promise<Topic> {
    let topic = this.topics.get(name);
    if (topic === undefined) {
      [topic] = await this.dataSource.query(`select partitions, cleanup from log.topics where name = $1`, [
        name,
      ]);
      if (topic === undefined) throw new Error(`topic ${name} is not declared`);
      this.topics.set(name, topic);
    }
    return topic;
  }

  private place({ key }: LogRecord, partitions: number): number {
    if (key !== null) return partitionOf(key, partitions);
    this.spread = (this.spread + 1) % partitions;
    return this.spread;
  }

  private tidy(): void {
    if (!this.dataSource.isInitialized) return;
    this.tidying = this.tidying
      .then(() => (this.closing.signal.aborted ? undefined : tidyLog(this.dataSource)))
      .catch((err: unknown) =>
        this.logger.warn({ err, dependency: 'postgres' }, 'the upkeep of the log failed'),
      );
  }
}

async function ensureTopic(manager: EntityManager, topic: TopicDefinition): Promise<void> {
  const { name, partitions, cleanup, retentionMs = null } = topic;
  await manager.query(
    `insert into log.topics (name, partitions, cleanup, retention_ms) values ($1, $2, $3, $4) on conflict do nothing`,
    [name, partitions, cleanup, retentionMs],
  );
  const [found] = await manager.query(`select partitions from log.topics where name = $1`, [name]);
  if (found.partitions !== partitions) throw new TopicMismatch(name, partitions, found.partitions);
  await manager.query(
    `insert into log.partitions (topic, partition) select $1, generate_series(0, $2 - 1) on conflict do nothing`,
    [name, partitions],
  );
}

/** Takes the offsets and writes the records in one statement; readers are woken when it commits. */
async function append(
  manager: EntityManager,
  topic: string,
  partition: number,
  records: readonly LogRecord[],
): Promise<void> {
  const rows: unknown[] = await manager.query(
    `with head as (
       update log.partitions set next_offset = next_offset + $3::bigint where topic = $1 and partition = $2
       returning next_offset - $3::bigint as first
     ), appended as (
       insert into log.records (topic, partition, "offset", key, value, headers, appended_at)
       select $1, $2, head.first + r.place - 1, r.key, r.value, r.headers::json, clock_timestamp()
         from head, unnest($4::text[], $5::bytea[], $6::text[]) with ordinality as r (key, value, headers, place)
     )
     select pg_notify('${NOTIFY_CHANNEL}', $1) from head`,
    [
      topic,
      partition,
      records.length,
      records.map(({ key }) => key),
      records.map(({ value }) => value),
      records.map(({ headers }) => JSON.stringify(headers)),
    ],
  );
  if (rows.length === 0) throw new Error(`topic ${topic} has no partition ${partition}`);
}
