import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '#libs/testing/eventually';
import { type LogsUnderTest, read, text } from './event-log-recorder.contract.js';
import type { EventLog, LogBatch, ReceivedRecord } from './event-log.js';

/** The part of the contract that is about where reading starts, goes on, is repeated and shared. */
export function readingContract({ log: current, another, declared }: LogsUnderTest): void {
  describe('to its readers', () => {
    let log: EventLog;

    beforeEach(() => {
      log = current();
    });

    it('reads from the beginning what a group has not read yet, also what was published before', async () => {
      const topic = await declared(2);
      await log.publish(topic, [text('a', 'k'), text('b', 'k')]);
      const reader = read(log, { topics: [topic], start: 'committed' });
      await eventually(() => expect(reader.texts()).toEqual(['a', 'b']));
      const other = read(log, { topics: [topic], start: 'committed' });
      await eventually(() => expect(other.texts()).toEqual(['a', 'b']));
    });

    it('goes on after close where the group stopped, with what was not finished and without what was', async () => {
      const topic = await declared(1);
      const group = `group-${randomUUID()}`;
      await log.publish(topic, [text('1'), text('2')], 0);
      const first = read(log, { topics: [topic], group });
      await eventually(() => expect(first.texts()).toEqual(['1', '2']));
      await first.close();
      await log.publish(topic, [text('3'), text('4')], 0);
      const failing = read(log, { topics: [topic], group }, () => Promise.reject(new Error('not now')));
      await eventually(() => expect(failing.errors.length).toBeGreaterThan(0));
      await failing.close();
      const last = read(another(), { topics: [topic], group });
      await eventually(() => expect(last.texts()).toEqual(['3', '4']));
    });

    it('reads with `latest` what is published once subscribed, and nothing before', async () => {
      const topic = await declared(3);
      await log.publish(topic, [text('before'), text('before'), text('before')]);
      const reader = read(log, { topics: [topic], start: 'latest' });
      await reader.subscribed;
      for (const partition of [0, 1, 2]) await log.publish(topic, [text(`after ${partition}`)], partition);
      await eventually(() => expect(reader.records).toHaveLength(3));
      expect(reader.texts().toSorted()).toEqual(['after 0', 'after 1', 'after 2']);
    });

    it('starts where a function says, per partition, and at the beginning where it knows nothing', async () => {
      const topic = await declared(2);
      await log.publish(topic, [text('a0'), text('a1'), text('a2')], 0);
      await log.publish(topic, [text('b0'), text('b1')], 1);
      const everything = read(log, { topics: [topic] });
      await eventually(() => expect(everything.records).toHaveLength(5));
      const offsetOf = (name: string) => everything.find(name).offset;
      const asked: string[] = [];
      const reader = read(log, {
        topics: [topic],
        start({ logId, topic: of, partition }) {
          asked.push(`${logId} ${of} ${partition}`);
          return Promise.resolve(partition === 0 ? offsetOf('a2') : undefined);
        },
      });
      await log.publish(topic, [text('a3')], 0);
      await eventually(() => expect(reader.records).toHaveLength(4));
      expect(reader.texts().toSorted()).toEqual(['a2', 'a3', 'b0', 'b1']);
      const logId = everything.batches[0]?.logId ?? '';
      expect(new Set(asked)).toEqual(new Set([`${logId} ${topic} 0`, `${logId} ${topic} 1`]));
    });

    it('keeps no offset of a group that starts by a function', async () => {
      const topic = await declared(1);
      const group = `group-${randomUUID()}`;
      await log.publish(topic, [text('a'), text('b')], 0);
      const start = () => Promise.resolve(undefined);
      const first = read(log, { topics: [topic], group, start });
      await eventually(() => expect(first.texts()).toEqual(['a', 'b']));
      await first.close();
      const second = read(log, { topics: [topic], group, start });
      await eventually(() => expect(second.texts()).toEqual(['a', 'b']));
    });

    it('asks the start function again when it throws, and reads nothing of the partition meanwhile', async () => {
      const topic = await declared(1);
      await log.publish(topic, [text('a'), text('b')], 0);
      const all = read(log, { topics: [topic] });
      await eventually(() => expect(all.records).toHaveLength(2));
      let asked = 0;
      const reader = read(log, {
        topics: [topic],
        start() {
          asked += 1;
          return asked < 3 ? Promise.reject(new Error('away')) : Promise.resolve(all.find('b').offset);
        },
      });
      await eventually(() => expect(reader.texts()).toEqual(['b']));
      expect(reader.errors).toHaveLength(2);
    });

    it.each(['committed', 'latest', 'function'] as const)(
      'reads again from `resumeAt` (%s)',
      async (kind) => {
        const topic = await declared(1);
        let rewinds = 2;
        const start = kind === 'function' ? () => Promise.resolve(undefined) : kind;
        const reader = read(log, { topics: [topic], start }, ({ records }) => {
          const first = records[0] as ReceivedRecord;
          rewinds -= 1;
          return Promise.resolve(rewinds >= 0 ? { resumeAt: first.offset } : undefined);
        });
        await reader.subscribed;
        await log.publish(topic, [text('a')], 0);
        await eventually(() => expect(reader.texts()).toEqual(['a', 'a', 'a']));
        await log.publish(topic, [text('b')], 0);
        await eventually(() => expect(reader.texts()).toEqual(['a', 'a', 'a', 'b']));
      },
    );

    it('skips ahead with `resumeAt`', async () => {
      const topic = await declared(1);
      await log.publish(topic, [text('a'), text('b'), text('c')], 0);
      let skipped = false;
      const reader = read(log, { topics: [topic] }, ({ records }) => {
        if (skipped) return Promise.resolve(undefined);
        skipped = true;
        return Promise.resolve({ resumeAt: (records[0] as ReceivedRecord).offset + 2n });
      });
      await eventually(() => expect(reader.batches).toHaveLength(2));
      expect(reader.batches[1]?.records.map(({ value }) => value.toString())).toEqual(['c']);
    });

    it('gives the same records again when a handler throws, and skips none', async () => {
      const topic = await declared(2);
      let failures = 2;
      const reader = read(log, { topics: [topic] }, ({ partition }) => {
        if (partition !== 0 || failures === 0) return Promise.resolve(undefined);
        failures -= 1;
        return Promise.reject(new TypeError('a mistake of the handler'));
      });
      await log.publish(topic, [text('a'), text('b')], 0);
      await eventually(() => expect(reader.errors).toHaveLength(1));
      await log.publish(topic, [text('c')], 0);
      await log.publish(topic, [text('other')], 1);
      await eventually(() =>
        expect(reader.handled()).toEqual(expect.arrayContaining(['a', 'b', 'c', 'other'])),
      );
      expect(reader.handled().filter((name) => name !== 'other')).toEqual(['a', 'b', 'c']);
      const starts = reader.batches
        .filter(({ partition }) => partition === 0)
        .map(({ records }) => records[0]?.value.toString());
      expect(starts.slice(0, 3)).toEqual(['a', 'a', 'a']);
      expect(reader.errors.map(String)).toEqual(
        Array.from({ length: 2 }, () => 'TypeError: a mistake of the handler'),
      );
    });

    it('shares the partitions of a group, one reader of each at a time, and a leaver hands its own over', async () => {
      const topic = await declared(4);
      const group = `group-${randomUUID()}`;
      const busy = new Set<number>();
      let overlaps = 0;
      const exclusive = async ({ partition }: LogBatch): Promise<undefined> => {
        if (busy.has(partition)) overlaps += 1;
        busy.add(partition);
        await new Promise((resolve) => setTimeout(resolve, 5));
        busy.delete(partition);
      };
      const one = read(log, { topics: [topic], group }, exclusive);
      const two = read(another(), { topics: [topic], group }, exclusive);
      let published = 0;
      const publishRound = async () => {
        published += 1;
        for (const partition of [0, 1, 2, 3]) await log.publish(topic, [text(`${published}`)], partition);
      };
      await eventually(async () => {
        one.forget();
        two.forget();
        await publishRound();
        await eventually(() => expect(one.seen() + two.seen()).toBeGreaterThanOrEqual(4), {
          timeoutMs: 5000,
        });
        expect([one.partitions().length, two.partitions().length]).toEqual([2, 2]);
      });
      await one.close();
      two.forget();
      await publishRound();
      await eventually(() => expect(two.partitions()).toEqual([0, 1, 2, 3]));
      await eventually(() => {
        const all = [...one.everything, ...two.everything];
        for (const partition of [0, 1, 2, 3]) {
          const names = all.filter((record) => record.partition === partition).map(({ name }) => name);
          expect(new Set(names).size).toBe(published);
        }
      });
      expect(overlaps).toBe(0);
    });

    it('waits on close for the batch in hand, commits it, and calls no handler after', async () => {
      const topic = await declared(1);
      const group = `group-${randomUUID()}`;
      let finish: () => void = () => undefined;
      const gate = new Promise<void>((resolve) => {
        finish = resolve;
      });
      const reader = read(log, { topics: [topic], group }, () => gate.then(() => undefined));
      await log.publish(topic, [text('in hand')], 0);
      await eventually(() => expect(reader.batches).toHaveLength(1));
      let closed = false;
      const closing = reader.close().then(() => {
        closed = true;
      });
      await log.publish(topic, [text('next')], 0);
      expect(closed).toBe(false);
      finish();
      await closing;
      expect(reader.texts()).toEqual(['in hand']);
      const next = read(another(), { topics: [topic], group });
      await eventually(() => expect(next.texts()).toEqual(['next']));
    });
  });
}
