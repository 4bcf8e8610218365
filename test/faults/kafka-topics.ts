import { randomUUID } from 'node:crypto';
import { Kafka, type KafkaMessage, logLevel } from 'kafkajs';
import { eventually } from '#libs/testing/eventually';

/** A client for tests, silent about what it tries again. */
export function kafkaOf(brokers: string): Kafka {
  return new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING, retry: { retries: 8 } });
}

/** The end of each partition: the offset that the next record gets. */
export async function endsOf(brokers: string, topic: string): Promise<Map<number, bigint>> {
  const admin = kafkaOf(brokers).admin();
  try {
    await admin.connect();
    const offsets = await admin.fetchTopicOffsets(topic);
    return new Map(offsets.map(({ partition, high }) => [partition, BigInt(high)]));
  } finally {
    await admin.disconnect();
  }
}

/** All records that a topic has now, each partition's in the order of their offsets. */
export async function recordsOf(brokers: string, topic: string): Promise<KafkaMessage[]> {
  const left = new Map([...(await endsOf(brokers, topic))].filter(([, end]) => end > 0n));
  const records: KafkaMessage[] = [];
  if (left.size === 0) return records;
  const consumer = kafkaOf(brokers).consumer({ groupId: `test-${randomUUID()}`, maxWaitTimeInMs: 50 });
  try {
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch: { partition, messages } }) => {
        records.push(...messages);
        const last = messages.at(-1);
        if (last !== undefined && BigInt(last.offset) + 1n >= (left.get(partition) ?? 0n))
          left.delete(partition);
      },
    });
    await eventually(() => expect([...left.keys()]).toEqual([]), { timeoutMs: 20_000 });
  } finally {
    await consumer.disconnect();
  }
  return records;
}
