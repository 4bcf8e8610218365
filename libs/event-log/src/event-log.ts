import type { TopicDefinition } from '#libs/contracts';

export interface LogRecord {
  /** Records of one key keep their order; null spreads. */
  key: string | null;
  value: Buffer;
  headers: Record<string, string>;
}

export interface ReceivedRecord extends LogRecord {
  offset: bigint;
  /** Milliseconds since the epoch, by the publisher's or the log's clock. */
  timestampMs: number;
}

/** Consecutive records of one partition, in offset order. */
export interface LogBatch {
  /** Names the log that the offsets belong to: another log's offsets mean nothing here. */
  logId: string;
  topic: string;
  partition: number;
  /** Never empty. */
  records: ReceivedRecord[];
}

/** What a handler wants next: nothing (go on), or to read this partition again from an offset. */
export type BatchOutcome = undefined | { resumeAt: bigint };

export interface LogSubscription {
  /** Members of one group share the partitions; each partition has one reader at a time. */
  group: string;
  topics: readonly string[];
  /**
   * Where reading starts: `committed`, the group's own offset (the beginning at first), committed after each batch;
   * `latest`, what is published from now on; or a function that knows the next offset of a partition from elsewhere
   * (undefined: the beginning), in which case nothing is committed to the log.
   */
  start: 'committed' | 'latest' | ((partition: LogPosition) => Promise<bigint | undefined>);
  /** Called with one batch of a partition at a time. When it throws, the same records come again after a pause. */
  onBatch(batch: LogBatch): Promise<BatchOutcome>;
  /** Told of each failure to read or handle, for logs and metrics; the subscription goes on by itself. */
  onError(error: unknown): void;
}

export interface LogPosition {
  logId: string;
  topic: string;
  partition: number;
}

export interface Subscription {
  /** Stops intake, waits for the batches in hand, leaves the group. */
  close(): Promise<void>;
}

/** Topics of ordered, durable records, read by groups. */
export abstract class EventLog {
  /**
   * Makes the topics that are absent; rejects with {@link TopicMismatch} where one has another partition count. While
   * the log is away it waits, until the log is closed.
   */
  abstract declare(topics: readonly TopicDefinition[]): Promise<void>;

  /**
   * Appends the records in their order and resolves when all are durable. A rejection leaves unknown which were
   * appended: publishing the same again may repeat some. While the log is away it rejects within some ten seconds.
   * Without `partition` the record's key chooses it. A `compact` topic takes no record without a key.
   */
  abstract publish(topic: string, records: readonly LogRecord[], partition?: number): Promise<void>;

  /**
   * Reads until closed, also through times when the log is away: resolves once reading is arranged, not reached. With
   * `latest` it waits until the ends of the topics are known: all that is published once it has resolved will come.
   */
  abstract subscribe(subscription: LogSubscription): Promise<Subscription>;

  /** One real request; rejects while the log cannot be reached. */
  abstract check(): Promise<void>;

  /** Lets go of all connections; subscriptions are closed first. */
  abstract close(): Promise<void>;
}

/** A topic exists with another partition count than declared. */
export class TopicMismatch extends Error {
  override readonly name = 'TopicMismatch';

  constructor(topic: string, expected: number, actual: number) {
    super(
      `topic ${topic} has ${actual} partitions, ${expected} are declared; partitions are never added to it`,
    );
  }
}
