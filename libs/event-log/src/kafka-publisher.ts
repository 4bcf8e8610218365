import { type ICustomPartitioner, type Message, Partitioners, type Producer } from 'kafkajs';
import type { Logger } from '#libs/service-kit';
import type { LogRecord } from './event-log.js';
import { type KafkaOptions, type KafkaPatience, kafkaClient, retryOf } from './kafka-client.js';
import { chunksOf } from './record-chunks.js';

/** A run of records to one partition is one record batch, which brokers take up to 1 MiB (`message.max.bytes`). */
const CHUNK_BYTES_MAX = 900_000;
const ACKNOWLEDGED_BY_ALL = -1;
const PATIENCE: KafkaPatience = { requestTimeoutMs: 5000, retries: 4 };

/**
 * Publishes through an idempotent producer, one request at a time. Both are needed for order: the broker recognises a
 * retry by its sequence number and drops the copy, however late it arrives; and kafkajs gives a number that a failed
 * request has used to the next one, which the broker would then take for a copy, and lose.
 */
export class KafkaPublisher {
  private readonly timeoutMs: number;
  private producer: Producer | undefined;
  private lane: Promise<void> = Promise.resolve();
  private closed = false;

  constructor(
    private readonly options: KafkaOptions,
    private readonly logger: Logger,
  ) {
    this.timeoutMs = options.publishTimeoutMs ?? 10_000;
  }

  async publish(topic: string, records: readonly LogRecord[], partition?: number): Promise<void> {
    const attempt = { abandoned: false };
    const turn = this.lane.then(() => this.send(attempt, topic, records, partition));
    // The next publish waits for the end of this one even when its caller was told that it failed: an attempt that is
    // still under way must not overtake what comes after it.
    this.lane = turn.catch(() => undefined);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        attempt.abandoned = true;
        reject(new Error(`Kafka has not acknowledged records of ${topic} within ${this.timeoutMs} ms`));
      }, this.timeoutMs);
    });
    try {
      await Promise.race([turn, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.lane;
    await this.producer?.disconnect();
    this.producer = undefined;
  }

  private async send(
    attempt: { abandoned: boolean },
    topic: string,
    records: readonly LogRecord[],
    partition: number | undefined,
  ): Promise<void> {
    for (const chunk of chunksOf(records, CHUNK_BYTES_MAX)) {
      if (attempt.abandoned) return;
      if (this.closed) throw new Error('the event log is closed');
      const messages = chunk.map(
        ({ key, value, headers }): Message => ({
          key,
          value,
          headers,
          ...(partition !== undefined && { partition }),
        }),
      );
      this.producer ??= this.newProducer();
      const { producer } = this;
      try {
        await producer.connect();
        const acknowledged = await producer.send({
          topic,
          acks: ACKNOWLEDGED_BY_ALL,
          timeout: PATIENCE.requestTimeoutMs,
          messages,
        });
        // While a retry is under way partitions may move to a broker that has answered already; kafkajs then skips
        // them and still resolves.
        const partitions = new Set(acknowledged.map((result) => result.partition));
        if (messages.some((message) => !partitions.has(message.partition as number))) {
          throw new Error(`Kafka has not acknowledged all partitions of a publish to ${topic}`);
        }
      } catch (error) {
        // Its sequence numbers may have been used: a new producer begins with an id and numbers of its own.
        this.producer = undefined;
        producer
          .disconnect()
          .catch((err: unknown) => this.logger.debug({ err }, 'a failed producer was let go'));
        throw error;
      }
    }
  }

  private newProducer(): Producer {
    return kafkaClient(this.options, PATIENCE, this.logger).producer({
      idempotent: true,
      allowAutoTopicCreation: false,
      createPartitioner: pinned,
      retry: retryOf(PATIENCE),
    });
  }
}

/**
 * kafkajs chooses the partitions again for each retry: a record without a key would go elsewhere, and the batch of its
 * first partition would be another one under the same sequence number. The first choice is written on the message.
 */
const pinned: ICustomPartitioner = () => {
  const choose = Partitioners.DefaultPartitioner();
  return (args) => {
    args.message.partition ??= choose(args);
    return args.message.partition;
  };
};
