import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { StackPartControl } from '#libs/testing/private-stack';
import { eventually } from '#libs/testing/eventually';
import type { EventLog, LogBatch, LogSubscription } from './event-log.js';

/** Promised after the server is back. */
const RESUMES_WITHIN_MS = 30_000;

/** What every EventLog promises about times when its server is away. The server is this suite's alone. */
export function eventLogOutageContract(open: () => EventLog, server: () => StackPartControl): void {
  describe('as every EventLog whose server goes away', () => {
    const opened: EventLog[] = [];
    const reporters: ReturnType<typeof report>[] = [];

    function another(): EventLog {
      const log = open();
      opened.push(log);
      return log;
    }

    function reporting(log: EventLog, topic: string) {
      const reporter = report(log, topic);
      reporters.push(reporter);
      return reporter;
    }

    afterEach(async () => {
      await Promise.all(reporters.splice(0).map((reporter) => reporter.stop()));
      await Promise.all(opened.splice(0).map((log) => log.close()));
    });

    it.each(['kill', 'stop'] as const)(
      'loses nothing acknowledged and skips nothing, and goes on by itself (%s)',
      async (away) => {
        const log = another();
        const topic = `outage-${randomUUID()}`;
        await log.declare([{ name: topic, partitions: 2, cleanup: 'delete' }]);
        const positions = new Map<number, bigint>();
        const readers = [
          follow(another(), { topics: [topic], start: 'committed' }),
          follow(another(), { topics: [topic], start: 'latest' }),
          follow(another(), {
            topics: [topic],
            start: ({ partition }) => Promise.resolve(positions.get(partition)),
          }),
        ];
        readers[2]?.onHandled(({ partition, records }) => {
          positions.set(partition, (records.at(-1)?.offset ?? 0n) + 1n);
        });
        await Promise.all(readers.map((reader) => reader.subscribed));
        const reporter = reporting(log, topic);
        await eventually(() => readers.forEach((reader) => expect(reader.last()).toBeGreaterThan(5)));

        await server()[away]();
        await eventually(() => expect(reporter.rejections()).toBeGreaterThan(0), { timeoutMs: 20_000 });
        await expect(log.check()).rejects.toHaveProperty('message');
        await server().start();

        const before = reporter.acknowledged();
        await eventually(() => expect(reporter.acknowledged()).toBeGreaterThan(before + 5), {
          timeoutMs: RESUMES_WITHIN_MS,
        });
        await expect(log.check()).resolves.toBeUndefined();
        await reporter.stop();
        await eventually(
          () => readers.forEach((reader) => expect(reader.last()).toBe(reporter.acknowledged())),
          {
            timeoutMs: RESUMES_WITHIN_MS,
          },
        );
        for (const reader of readers) expect(reader.gaps()).toEqual([]);
      },
      180_000,
    );

    it('starts while its server is away and does what it was asked once it is there', async () => {
      await server().stop();
      const log = another();
      const topic = `late-${randomUUID()}`;
      let declared = false;
      const declaring = log.declare([{ name: topic, partitions: 2, cleanup: 'delete' }]).then(() => {
        declared = true;
      });
      const reader = follow(log, { topics: [topic], start: 'committed' });
      await reader.subscribed;
      await expect(
        log.publish(topic, [{ key: null, value: Buffer.from('1'), headers: {} }], 0),
      ).rejects.toHaveProperty('message');
      await expect(log.check()).rejects.toHaveProperty('message');
      expect(declared).toBe(false);
      await server().start();
      await declaring;
      const reporter = reporting(log, topic);
      await eventually(() => expect(reader.last()).toBeGreaterThan(5), { timeoutMs: RESUMES_WITHIN_MS });
      await reporter.stop();
      expect(reader.gaps()).toEqual([]);
    }, 120_000);
  });
}

/** Publishes 1, 2, 3 … to one partition, one publish in flight, each until it is acknowledged. */
function report(log: EventLog, topic: string) {
  let acknowledged = 0;
  let rejections = 0;
  let stopping = false;
  const running = (async () => {
    while (!stopping) {
      try {
        const value = Buffer.from(String(acknowledged + 1));
        await log.publish(topic, [{ key: null, value, headers: {} }], 1);
        acknowledged += 1;
      } catch {
        rejections += 1;
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  })();
  return {
    acknowledged: () => acknowledged,
    rejections: () => rejections,
    async stop() {
      stopping = true;
      await running;
    },
  };
}

/** Takes the number after the last one and drops those it has; any other is a gap. */
function follow(log: EventLog, what: Pick<LogSubscription, 'topics' | 'start'>) {
  let last = 0;
  const gaps: string[] = [];
  let handled: (batch: LogBatch) => void = () => undefined;
  const subscribed = log.subscribe({
    group: `group-${randomUUID()}`,
    ...what,
    onBatch(batch) {
      for (const { value } of batch.records) {
        const number = Number(value);
        if (number === last + 1) last = number;
        else if (number > last) gaps.push(`${number} after ${last}`);
      }
      handled(batch);
      return Promise.resolve(undefined);
    },
    onError: () => undefined,
  });
  return {
    subscribed,
    last: () => last,
    gaps: () => gaps,
    onHandled(listener: (batch: LogBatch) => void) {
      handled = listener;
    },
  };
}
