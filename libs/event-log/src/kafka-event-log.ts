import { setTimeout as sleep } from 'node:timers/promises';
import type { Admin } from 'kafkajs';
import type { TopicDefinition } from '#libs/contracts';
import type { Logger } from '#libs/service-kit';
import {
  EventLog,
  type LogRecord,
  type LogSubscription,
  type Subscription,
  TopicMismatch,
} from './event-log.js';
import { type KafkaOptions, type KafkaPatience, kafkaClient } from './kafka-client.js';
import { KafkaPublisher } from './kafka-publisher.js';
import { KafkaSubscription } from './kafka-subscription.js';
import { ensureTopic } from './kafka-topics.js';

export type { KafkaOptions } from './kafka-client.js';

const DECLARE_PATIENCE: KafkaPatience = { requestTimeoutMs: 10_000, retries: 5 };
const CHECK_PATIENCE: KafkaPatience = { requestTimeoutMs: 3000, retries: 0 };
const DECLARE_PAUSE_MS = 1000;

/** The log at scale. Connects when it is first used, and again whenever Kafka was away. */
export class KafkaEventLog extends EventLog {
  private readonly publisher: KafkaPublisher;
  private readonly subscriptions = new Set<KafkaSubscription>();
  private readonly closing = new AbortController();
  private checker: Admin | undefined;

  constructor(
    private readonly options: KafkaOptions,
    private readonly logger: Logger,
  ) {
    super();
    this.publisher = new KafkaPublisher(options, logger);
  }

  async declare(topics: readonly TopicDefinition[]): Promise<void> {
    for (;;) {
      this.closing.signal.throwIfAborted();
      try {
        await this.ensure(topics);
        return;
      } catch (err) {
        if (err instanceof TopicMismatch || this.closing.signal.aborted) throw err;
        this.logger.warn({ err, dependency: 'kafka' }, 'cannot make the topics yet, trying again');
      }
      await sleep(DECLARE_PAUSE_MS, undefined, { signal: this.closing.signal });
    }
  }

  publish(topic: string, records: readonly LogRecord[], partition?: number): Promise<void> {
    return this.publisher.publish(topic, records, partition);
  }

  async subscribe(subscription: LogSubscription): Promise<Subscription> {
    this.closing.signal.throwIfAborted();
    const reader = new KafkaSubscription(this.options, subscription, this.logger);
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
    this.checker ??= kafkaClient(this.options, CHECK_PATIENCE, this.logger).admin();
    const { checker } = this;
    try {
      await checker.connect();
      const { brokers } = await checker.describeCluster();
      if (brokers.length === 0) throw new Error('the cluster has no broker');
    } catch (error) {
      this.checker = undefined;
      checker.disconnect().catch((err: unknown) => this.logger.debug({ err }, 'a failed check was let go'));
      throw error;
    }
  }

  async close(): Promise<void> {
    this.closing.abort(new Error('the event log is closed'));
    await Promise.all([...this.subscriptions].map((reader) => reader.close()));
    await this.publisher.close();
    await this.checker?.disconnect();
  }

  private async ensure(topics: readonly TopicDefinition[]): Promise<void> {
    const admin = kafkaClient(this.options, DECLARE_PATIENCE, this.logger).admin();
    try {
      await admin.connect();
      for (const topic of topics) await ensureTopic(admin, topic, this.options);
    } finally {
      await admin.disconnect();
    }
  }
}
