import { randomUUID } from 'node:crypto';
import { expect } from '@jest/globals';
import type { TopicDefinition } from '#libs/contracts';
import type {
  BatchOutcome,
  EventLog,
  LogBatch,
  LogRecord,
  LogSubscription,
  ReceivedRecord,
} from './event-log.js';

/** What the parts of the contract are given for each test. */
export interface LogsUnderTest {
  log: () => EventLog;
  /** A new log on the same store. */
  another: () => EventLog;
  /** Declares a topic with a name of its own. */
  declared: (partitions: number, more?: Partial<TopicDefinition>) => Promise<string>;
}

export function text(value: string, key: string | null = null): LogRecord {
  return { key, value: Buffer.from(value), headers: {} };
}

export function expectRising(records: ReceivedRecord[]): void {
  const offsets = records.map(({ offset }) => offset);
  expect(offsets).toEqual([...new Set(offsets)].toSorted((a, b) => (a < b ? -1 : 1)));
}

type Handler = (batch: LogBatch) => Promise<BatchOutcome>;

/** Subscribes and remembers what came. */
export function read(
  log: EventLog,
  what: Partial<LogSubscription> & { topics: string[] },
  handler: Handler = () => Promise.resolve(undefined),
) {
  const batches: LogBatch[] = [];
  const handledBatches: LogBatch[] = [];
  const everything: { partition: number; name: string }[] = [];
  const errors: unknown[] = [];
  const subscribed = log.subscribe({
    group: `group-${randomUUID()}`,
    start: 'committed',
    ...what,
    async onBatch(batch) {
      batches.push(batch);
      const outcome = await handler(batch);
      handledBatches.push(batch);
      for (const { value } of batch.records)
        everything.push({ partition: batch.partition, name: value.toString() });
      return outcome;
    },
    onError: (error) => errors.push(error),
  });
  const records = () => batches.flatMap((batch) => batch.records);
  return {
    batches,
    errors,
    subscribed,
    /** What was handled to the end, also before `forget`. */
    everything,
    get records() {
      return records();
    },
    /** Values in the order they came, of one key if given. */
    texts: (key?: string) =>
      records()
        .filter((record) => key === undefined || record.key === key)
        .map(({ value }) => value.toString()),
    handled: () => handledBatches.flatMap((batch) => batch.records.map(({ value }) => value.toString())),
    partitions: () => [...new Set(batches.map(({ partition }) => partition))].toSorted((a, b) => a - b),
    seen: () => records().length,
    find(name: string): ReceivedRecord {
      const found = records().find(({ value }) => value.toString() === name);
      if (found === undefined) throw new Error(`${name} has not come`);
      return found;
    },
    forget() {
      batches.length = 0;
    },
    close: async () => (await subscribed).close(),
  };
}
