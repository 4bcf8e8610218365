/**
 * The three ways to break `answered ⊆ counted ⊆ received`, each planted in a reporter or reader made for it, so that it
 * is seen that the check finds it, and then that ours do not make the mistake.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { Registry } from 'prom-client';
import { REQUESTS_TOPIC, type RequestEventBatch } from '#libs/contracts';
import { EventLog, type LogRecord, type Subscription } from '#libs/event-log';
import { startRequestReporter } from '#libs/request-reporting/serve';
import { checkCounts, type CountProblem } from '#libs/testing/count-check';
import { eventually } from '#libs/testing/eventually';
import { logger, openUsageDatabase, requestEvent, type UsageDatabase } from '../usage-database.contract.js';
import { CountingMetrics } from './counting-metrics.js';
import { PostgresUsageStore } from './postgres-usage-store.js';
import { UsageConsumer } from './usage.consumer.js';

jest.setTimeout(60_000);

interface Message {
  partition: number;
  incarnation: string;
  firstSequence: number;
  ids: string[];
}

const X = '3f0c8b1e-53a9-4b8f-9c5e-2f6f5f1f7d10';
const message = (firstSequence: number, ids: string[], partition = 0): Message => ({
  partition,
  incarnation: X,
  firstSequence,
  ids,
});

/** A reader that takes whatever is higher than the last sequence it has seen, remembered by `scope`. */
function laxReader(messages: readonly Message[], scope: (message: Message) => string): Map<string, number> {
  const last = new Map<string, number>();
  const counted = new Map<string, number>();
  for (const sent of messages) {
    for (const [index, id] of sent.ids.entries()) {
      const sequence = sent.firstSequence + index;
      if (sequence <= (last.get(scope(sent)) ?? 0)) continue;
      last.set(scope(sent), sequence);
      counted.set(id, (counted.get(id) ?? 0) + 1);
    }
  }
  return counted;
}

/** A log in memory that hands out what was published, and can refuse or swallow answers. */
class ScriptedLog extends EventLog {
  readonly messages: Message[] = [];
  /** What happens to the next messages: taken, refused, or taken although the publisher is told otherwise. */
  readonly script: ('take' | 'refuse' | 'lose the answer' | 'never answer')[] = [];

  async declare(): Promise<void> {}
  async check(): Promise<void> {}
  async close(): Promise<void> {}
  subscribe(): Promise<Subscription> {
    return Promise.reject(new Error('nothing is read here'));
  }

  async publish(_: string, records: readonly LogRecord[], partition = 0): Promise<void> {
    const step = this.script.shift() ?? 'take';
    if (step === 'refuse') throw new Error('refused');
    for (const { value } of records) {
      const { incarnation, firstSequence, events } = JSON.parse(value.toString()) as RequestEventBatch;
      const ids = events.map(({ requestId }) => requestId);
      this.messages.push({ partition, incarnation, firstSequence, ids });
    }
    if (step === 'lose the answer') throw new Error('the answer was lost');
    if (step === 'never answer') await new Promise(() => undefined);
  }
}

describe('counting each request once', () => {
  let usage: UsageDatabase;
  let directory: string;

  beforeAll(async () => {
    usage = await openUsageDatabase();
  });
  beforeEach(async () => {
    await usage.clear();
    directory = mkdtempSync(join(tmpdir(), 'latchkey-mistakes-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));
  afterAll(() => usage.close());

  /** What our own reader counts of these messages, in the order given. */
  async function ourReader(messages: readonly Message[]): Promise<Map<string, number>> {
    const store = new PostgresUsageStore(usage.database);
    const metrics = new CountingMetrics(new Registry(), () => store.parkedEvents());
    const consumer = new UsageConsumer(new ScriptedLog(), store, metrics, logger);
    const offsets = new Map<number, bigint>();
    for (const { partition, incarnation, firstSequence, ids } of messages) {
      const offset = offsets.get(partition) ?? 0n;
      offsets.set(partition, offset + 1n);
      const batch: RequestEventBatch = {
        incarnation,
        firstSequence,
        events: ids.map((id) => requestEvent(id)),
      };
      const value = Buffer.from(JSON.stringify(batch));
      const record = { key: null, value, headers: {}, offset, timestampMs: Date.now() };
      await consumer.count({ logId: 'log', topic: REQUESTS_TOPIC, partition, records: [record] });
    }
    return usage.counted('acme');
  }

  async function ourReporter(eventLog: EventLog) {
    const metrics = new Registry();
    const service = 'test';
    return startRequestReporter({ directory, service, eventLog, logger, metrics, drainMsMax: 300 });
  }

  const problemsOf = (ids: string[], counted: Map<string, number>): CountProblem[] =>
    checkCounts({ answered: ids, received: ids, counted });

  describe('a batch acknowledged before an earlier one that is sent again', () => {
    const ids = ['a', 'b', 'c', 'd'];
    /** Two batches were in flight; the first failed and was repeated when the second was in the log. */
    const overtaken = [message(3, ['c', 'd']), message(1, ['a', 'b'])];

    it('is found when a reader takes whatever is higher', () => {
      const problems = problemsOf(
        ids,
        laxReader(overtaken, ({ incarnation }) => incarnation),
      );
      expect(problems.map(({ kind, id }) => `${kind} ${id}`)).toEqual(['lost a', 'lost b']);
    });

    it('does not mislead our reader, which waits for the earlier one', async () => {
      expect(problemsOf(ids, await ourReader(overtaken))).toEqual([]);
    });

    it('is not made by our reporter, which has one batch in flight', async () => {
      const log = new ScriptedLog();
      log.script.push('refuse', 'lose the answer', 'refuse');
      const { reporter, close } = await ourReporter(log);
      for (const id of ids) {
        await reporter.record([requestEvent(id)]);
        await new Promise((resolve) => setImmediate(resolve));
      }
      await eventually(() => expect(log.messages.flatMap((sent) => sent.ids)).toContain('d'));
      await reporter.record([requestEvent('e')]);
      await close();
      const all = [...ids, 'e'];
      expect(
        problemsOf(
          all,
          laxReader(log.messages, ({ incarnation }) => incarnation),
        ),
      ).toEqual([]);
      expect(problemsOf(all, await ourReader(log.messages))).toEqual([]);
    });
  });

  describe('partitions added and a replay sent elsewhere', () => {
    const ids = ['a', 'b', 'c'];
    /** The reporter chose the partition from the number there was, and that grew before the replay. */
    const moved = [message(1, ['a', 'b'], 3), message(1, ['a', 'b', 'c'], 15)];

    it('is found when a reader remembers sequences by partition', () => {
      const problems = problemsOf(
        ids,
        laxReader(moved, ({ partition }) => `${partition}`),
      );
      expect(problems.map(({ kind, id }) => `${kind} ${id}`)).toEqual(['surplus a', 'surplus b']);
    });

    it('does not mislead our reader, which remembers them by incarnation', async () => {
      expect(problemsOf(ids, await ourReader(moved))).toEqual([]);
    });

    it('does not mislead our reader when the replay is read before what it repeats', async () => {
      const later = [message(3, ['c'], 15), message(1, ['a', 'b'], 3), message(1, ['a', 'b', 'c'], 15)];
      expect(problemsOf(ids, await ourReader(later))).toEqual([]);
    });

    it('is not made by our reporter, which replays to the partition in the spool', async () => {
      const log = new ScriptedLog();
      log.script.push('never answer');
      const first = await ourReporter(log);
      await first.reporter.record([requestEvent('a'), requestEvent('b')]);
      await eventually(() => expect(log.messages).toHaveLength(1));
      await first.close();
      const second = await ourReporter(log);
      await eventually(() => expect(log.messages).toHaveLength(2));
      await second.close();
      expect(new Set(log.messages.map(({ partition }) => partition)).size).toBe(1);
      expect(
        problemsOf(
          ['a', 'b'],
          laxReader(log.messages, ({ partition }) => `${partition}`),
        ),
      ).toEqual([]);
    });
  });

  describe('the same incarnation with a sequence that begins again', () => {
    const ids = ['a', 'b', 'c', 'd'];
    /** A reporter named after its host was restarted. */
    const restarted = [message(1, ['a', 'b']), message(1, ['c', 'd'])];

    it('is found when a reader takes whatever is higher', () => {
      const problems = problemsOf(
        ids,
        laxReader(restarted, ({ incarnation }) => incarnation),
      );
      expect(problems.map(({ kind, id }) => `${kind} ${id}`)).toEqual(['lost c', 'lost d']);
    });

    it('is found when our reader is given it: nothing tells it that these are others', async () => {
      const problems = problemsOf(ids, await ourReader(restarted));
      expect(problems.map(({ kind, id }) => `${kind} ${id}`)).toEqual(['lost c', 'lost d']);
    });

    it('is not made by our reporter, which begins another incarnation at every start', async () => {
      const log = new ScriptedLog();
      for (const id of ids) {
        const { reporter, close } = await ourReporter(log);
        await reporter.record([requestEvent(id)]);
        await close();
      }
      expect(new Set(log.messages.map(({ incarnation }) => incarnation)).size).toBe(4);
      expect(problemsOf(ids, await ourReader(log.messages))).toEqual([]);
    });

    it('is not made by our reporter when a process ends before the log has its events', async () => {
      const log = new ScriptedLog();
      log.script.push(...Array.from({ length: 30 }, () => 'refuse' as const));
      for (const id of ids) {
        const { reporter, close } = await ourReporter(log);
        await reporter.record([requestEvent(id)]);
        await close();
      }
      log.script.length = 0;
      const last = await ourReporter(log);
      await eventually(() => expect(new Set(log.messages.flatMap((sent) => sent.ids)).size).toBe(4));
      await last.close();
      expect(problemsOf(ids, await ourReader(log.messages))).toEqual([]);
    });
  });
});
