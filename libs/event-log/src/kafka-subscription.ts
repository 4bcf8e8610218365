import { setTimeout as sleep } from 'node:timers/promises';
import type { Consumer, EachBatchPayload, KafkaMessage } from 'kafkajs';
import type { Logger } from '#libs/service-kit';
import type {
  BatchOutcome,
  LogPosition,
  LogSubscription,
  ReceivedRecord,
  Subscription,
} from './event-log.js';
import { type KafkaOptions, type KafkaPatience, kafkaClient, retryOf } from './kafka-client.js';

const PATIENCE: KafkaPatience = { requestTimeoutMs: 10_000, retries: 5 };
const RESTART_PAUSE_MS = 1000;
const PARTITIONS_AT_ONCE = 4;

/** One consumer's life, from joining the group until it fails or is closed. */
interface Membership {
  consumer: Consumer;
  logId: string;
  /** Counts the assignments: what was begun under an earlier one must not move the positions of a later one. */
  generation: number;
  ended: boolean;
  /** Milliseconds since the epoch of the last sign that the group's coordinator knows this member. */
  aliveAtMs: number;
}

/**
 * Reads by consumers of one group, one after the other: kafkajs gives up for good on many errors, so that a consumer
 * that fails, or that nothing is heard of, is replaced by a new one until the subscription is closed.
 *
 * Records may come twice, but none is ever left out: a position moves only behind records that were handled, or to
 * where the handler or the `start` function wants it.
 */
export class KafkaSubscription implements Subscription {
  /** Resolves once reading is arranged; rejects only when closed before. */
  readonly arranged: Promise<void>;
  private readonly sessionTimeoutMs: number;
  private readonly heartbeatMs: number;
  private readonly closing = new AbortController();
  private readonly reading: Promise<void>;
  /** With `latest`: the next offset of each partition, kept over consumers so that none forgets what it missed. */
  private latest: Map<string, bigint> | undefined;

  constructor(
    private readonly options: KafkaOptions,
    private readonly subscription: LogSubscription,
    private readonly logger: Logger,
  ) {
    this.sessionTimeoutMs = options.sessionTimeoutMs ?? 8000;
    this.heartbeatMs = this.sessionTimeoutMs / 4;
    let arranged: () => void = () => undefined;
    this.arranged = new Promise((resolve, reject) => {
      arranged = resolve;
      this.closing.signal.addEventListener('abort', () => reject(new Error('the subscription was closed')));
    });
    this.arranged.catch(() => undefined);
    if (subscription.start !== 'latest') arranged();
    this.reading = this.read(arranged);
  }

  async close(): Promise<void> {
    this.closing.abort();
    await this.reading;
  }

  private async read(arranged: () => void): Promise<void> {
    while (!this.closing.signal.aborted) {
      try {
        const logId = await this.locate();
        arranged();
        await this.consume(logId);
      } catch (error) {
        if (!this.closing.signal.aborted) this.subscription.onError(error);
      }
      await this.pause(RESTART_PAUSE_MS);
    }
  }

  /** Asks for the cluster's id and, the first time with `latest`, for the ends of the partitions. */
  private async locate(): Promise<string> {
    const admin = kafkaClient(this.options, PATIENCE, this.logger).admin();
    try {
      await admin.connect();
      const { clusterId } = await admin.describeCluster();
      if (this.subscription.start === 'latest' && this.latest === undefined) {
        const ends = new Map<string, bigint>();
        for (const topic of this.subscription.topics) {
          for (const { partition, high } of await admin.fetchTopicOffsets(topic)) {
            ends.set(placeOf({ topic, partition }), BigInt(high));
          }
        }
        this.latest = ends;
      }
      return clusterId;
    } finally {
      await admin.disconnect();
    }
  }

  private async consume(logId: string): Promise<void> {
    const consumer = kafkaClient(this.options, PATIENCE, this.logger).consumer({
      groupId: this.subscription.group,
      sessionTimeout: this.sessionTimeoutMs,
      rebalanceTimeout: this.options.rebalanceTimeoutMs ?? 15_000,
      heartbeatInterval: this.heartbeatMs,
      minBytes: 1,
      // Brokers answer as soon as there is a record; this is only how long an idle reader goes between requests.
      maxWaitTimeInMs: 500,
      maxBytesPerPartition: 1024 * 1024,
      maxBytes: 8 * 1024 * 1024,
      allowAutoTopicCreation: false,
      retry: { ...retryOf(PATIENCE), restartOnFailure: () => Promise.resolve(false) },
    });
    const membership: Membership = { consumer, logId, generation: 0, ended: false, aliveAtMs: Date.now() };
    const failure = new Promise<unknown>((resolve) => {
      consumer.on(consumer.events.CRASH, ({ payload }) => resolve(payload.error));
    });
    consumer.on(consumer.events.HEARTBEAT, () => {
      membership.aliveAtMs = Date.now();
    });
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      membership.aliveAtMs = Date.now();
      this.assign(membership, payload.memberAssignment);
    });
    try {
      await consumer.connect();
      await consumer.subscribe({ topics: [...this.subscription.topics], fromBeginning: true });
      // Must be waited for, also when closed meanwhile: a consumer that is stopped while it joins goes on joining.
      await consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        partitionsConsumedConcurrently: PARTITIONS_AT_ONCE,
        eachBatch: (payload) => this.handle(membership, payload),
      });
      const error = await Promise.race([failure, this.silence(membership)]);
      if (error !== undefined) throw error;
    } finally {
      membership.ended = true;
      // Waits for the batches in hand, which may still commit.
      await consumer.disconnect();
    }
  }

  /** Resolves when closed, or with an error when the coordinator has not answered for three sessions. */
  private async silence(membership: Membership): Promise<Error | undefined> {
    const silenceMsMax = 3 * this.sessionTimeoutMs;
    while (!this.closing.signal.aborted) {
      await this.pause(this.heartbeatMs);
      if (Date.now() - membership.aliveAtMs > silenceMsMax) {
        return new Error(`no answer from the coordinator of group ${this.subscription.group}`);
      }
    }
    return undefined;
  }

  /**
   * Runs inside kafkajs' joining, before its next fetch: partitions that are paused here are not read until their
   * start is known.
   */
  private assign(membership: Membership, assignment: Record<string, number[]>): void {
    membership.generation += 1;
    const { consumer } = membership;
    const topics = Object.entries(assignment).map(([topic, partitions]) => ({ topic, partitions }));
    if (this.subscription.start === 'committed') {
      // A partition that rested after its handler threw would rest for ever if it came back to this consumer.
      consumer.resume(topics);
      return;
    }
    consumer.pause(topics);
    for (const { topic, partitions } of topics) {
      for (const partition of partitions) {
        void this.seekStart(membership, { logId: membership.logId, topic, partition });
      }
    }
  }

  private async seekStart(membership: Membership, position: LogPosition): Promise<void> {
    const { generation, consumer } = membership;
    const superseded = () => membership.ended || membership.generation !== generation;
    while (!superseded()) {
      try {
        const offset = await this.startOf(position);
        if (superseded()) return;
        const { topic, partition } = position;
        if (offset !== undefined) consumer.seek({ topic, partition, offset: String(offset) });
        consumer.resume([{ topic, partitions: [partition] }]);
        return;
      } catch (error) {
        this.subscription.onError(error);
        await this.pause(this.retryPauseMs);
      }
    }
  }

  private async startOf(position: LogPosition): Promise<bigint | undefined> {
    const { start } = this.subscription;
    return typeof start === 'function' ? start(position) : this.latest?.get(placeOf(position));
  }

  private async handle(membership: Membership, payload: EachBatchPayload): Promise<void> {
    const { generation, consumer, logId } = membership;
    const { topic, partition, messages } = payload.batch;
    const records = messages.map(received);
    const last = records.at(-1);
    if (last === undefined) return;
    // kafkajs speaks up between batches only; a handler that waits for its database must not lose its partitions.
    const heartbeat = setInterval(() => payload.heartbeat().catch(() => undefined), this.heartbeatMs);
    let outcome: BatchOutcome;
    try {
      outcome = await this.subscription.onBatch({ logId, topic, partition, records });
    } catch (error) {
      this.subscription.onError(error);
      const resume = payload.pause();
      setTimeout(() => {
        if (!membership.ended && membership.generation === generation) resume();
      }, this.retryPauseMs);
      return;
    } finally {
      clearInterval(heartbeat);
    }
    // Assigned anew meanwhile: the position is no longer this batch's to move, and its records come again.
    if (membership.generation !== generation) return;
    const next = outcome?.resumeAt ?? last.offset + 1n;
    if (outcome === undefined) payload.resolveOffset(String(last.offset));
    else consumer.seek({ topic, partition, offset: String(next) });
    if (this.subscription.start === 'committed') {
      const partitions = [{ partition, offset: String(next) }];
      await payload.commitOffsetsIfNecessary({ topics: [{ topic, partitions }] });
    }
    if (this.subscription.start === 'latest') this.latest?.set(placeOf({ topic, partition }), next);
  }

  private get retryPauseMs(): number {
    return this.options.retryPauseMs ?? 1000;
  }

  /** Ends early when the subscription is closed. */
  private async pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.closing.signal }).catch(() => undefined);
  }
}

function placeOf({ topic, partition }: { topic: string; partition: number }): string {
  return `${topic}/${partition}`;
}

function received({ offset, key, value, headers, timestamp }: KafkaMessage): ReceivedRecord {
  const texts: Record<string, string> = {};
  for (const [name, text] of Object.entries(headers ?? {})) {
    if (text !== undefined) texts[name] = String(Array.isArray(text) ? text.at(-1) : text);
  }
  return {
    offset: BigInt(offset),
    key: key === null ? null : key.toString(),
    // A tombstone has no value; nothing of ours publishes one.
    value: value ?? Buffer.alloc(0),
    headers: texts,
    timestampMs: Number(timestamp),
  };
}
