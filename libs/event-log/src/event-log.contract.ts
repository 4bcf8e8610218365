import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '#libs/testing/eventually';
import { expectRising, type LogsUnderTest, read, text } from './event-log-recorder.contract.js';
import { readingContract } from './event-log-reading.contract.js';
import { type EventLog, type LogRecord, TopicMismatch } from './event-log.js';

/** What every EventLog promises. `open` gives a new log on the same store each time; the suite closes it. */
export function eventLogContract(open: () => EventLog): void {
  describe('as every EventLog', () => {
    const opened: EventLog[] = [];
    let log: EventLog;

    function another(): EventLog {
      const next = open();
      opened.push(next);
      return next;
    }

    const declared: LogsUnderTest['declared'] = async (partitions, more = {}) => {
      const name = `contract-${randomUUID()}`;
      await log.declare([{ name, partitions, cleanup: 'delete', ...more }]);
      return name;
    };

    beforeEach(() => {
      log = another();
    });

    afterEach(async () => {
      await Promise.all(opened.splice(0).map((each) => each.close()));
    });

    readingContract({ log: () => log, another, declared });

    it('makes a topic once, however often and by whomever it is declared', async () => {
      const topic = { name: `contract-${randomUUID()}`, partitions: 3, cleanup: 'compact' as const };
      await Promise.all([log.declare([topic]), another().declare([topic])]);
      await log.declare([topic]);
      const reader = read(log, { topics: [topic.name] });
      for (const partition of [0, 1, 2]) await log.publish(topic.name, [text('here', 'key')], partition);
      await eventually(() => expect(reader.partitions()).toEqual([0, 1, 2]));
    });

    it('refuses a topic that has another partition count', async () => {
      const name = await declared(2);
      const declaring = another().declare([{ name, partitions: 3, cleanup: 'delete' }]);
      await expect(declaring).rejects.toBeInstanceOf(TopicMismatch);
    });

    it('rejects a publish to a topic that nobody declared', async () => {
      await expect(log.publish(`contract-${randomUUID()}`, [text('lost')])).rejects.toHaveProperty('message');
    });

    it('rejects a record without key for a topic that keeps the last of each key', async () => {
      const topic = await declared(1, { cleanup: 'compact' });
      await expect(log.publish(topic, [text('no key')], 0)).rejects.toHaveProperty('message');
      const reader = read(log, { topics: [topic] });
      await log.publish(topic, [text('a key', 'key')], 0);
      await eventually(() => expect(reader.texts()).toEqual(['a key']));
    });

    it('answers a check while it can be reached', async () => {
      await expect(log.check()).resolves.toBeUndefined();
    });

    it('keeps keys, null keys, headers and binary values as they are', async () => {
      const topic = await declared(1);
      const reader = read(log, { topics: [topic] });
      const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
      const records: LogRecord[] = [
        { key: 'ключ 🔑', value: everyByte, headers: { ce_type: 'a"b\\c', naïve: 'é, ñ' } },
        { key: null, value: Buffer.alloc(0), headers: {} },
        { key: '', value: Buffer.from('{"a":1}'), headers: { empty: '' } },
      ];
      const before = Date.now() - 60_000;
      await log.publish(topic, records, 0);
      await eventually(() => expect(reader.records).toHaveLength(3));
      expect(reader.records.map(({ key, value, headers }) => ({ key, value, headers }))).toEqual(records);
      for (const { timestampMs } of reader.records) expect(timestampMs).toBeGreaterThan(before);
    });

    it('keeps the order of the records of a key over partitions and publishes', async () => {
      const topic = await declared(4);
      const reader = read(log, { topics: [topic] });
      for (let round = 0; round < 10; round += 1) {
        const records = 'abcdefgh'
          .split('')
          .flatMap((key) => [text(`${round}.1`, key), text(`${round}.2`, key)]);
        await log.publish(topic, records);
      }
      await eventually(() => expect(reader.records).toHaveLength(160));
      const rounds = Array.from({ length: 10 }, (_, round) => [`${round}.1`, `${round}.2`]).flat();
      for (const key of 'abcdefgh'.split('')) expect(reader.texts(key)).toEqual(rounds);
      expect(reader.partitions().length).toBeGreaterThan(1);
    });

    it('puts records into the partition asked for, in their order, with rising offsets', async () => {
      const topic = await declared(3);
      const reader = read(log, { topics: [topic] });
      for (let i = 0; i < 20; i += 1) {
        await log.publish(topic, [text(`${i}`, i % 2 ? 'key' : null), text(`${i}'`)], 2);
      }
      await eventually(() => expect(reader.records).toHaveLength(40));
      expect(reader.texts()).toEqual(Array.from({ length: 20 }, (_, i) => [`${i}`, `${i}'`]).flat());
      expect(reader.partitions()).toEqual([2]);
      expectRising(reader.records);
    });

    it('spreads records without key or partition', async () => {
      const topic = await declared(3);
      const reader = read(log, { topics: [topic] });
      await log.publish(
        topic,
        Array.from({ length: 60 }, (_, i) => text(`${i}`)),
      );
      await eventually(() => expect(reader.records).toHaveLength(60));
      expect(reader.partitions()).toEqual([0, 1, 2]);
    });

    it('takes more records, and larger ones, than one request of a log holds', async () => {
      const topic = await declared(1);
      const reader = read(log, { topics: [topic] });
      const large = (i: number): LogRecord => ({ key: null, value: Buffer.alloc(500_000, i), headers: {} });
      const many = Array.from({ length: 5000 }, (_, i) => text(`${i}`.padEnd(400, '.')));
      await log.publish(topic, [large(1), large(2), large(3), large(4), large(5), ...many], 0);
      await eventually(() => expect(reader.records).toHaveLength(5005));
      expect(
        reader.records.slice(0, 5).map(({ value }) => value.equals(Buffer.alloc(500_000, value[0]))),
      ).toEqual(Array.from({ length: 5 }, () => true));
      expect(reader.records.slice(0, 5).map(({ value }) => value[0])).toEqual([1, 2, 3, 4, 5]);
      expect(reader.records.slice(5).map(({ value }) => Number.parseInt(value.toString(), 10))).toEqual(
        Array.from({ length: 5000 }, (_, i) => i),
      );
      expectRising(reader.records);
    });

    it('keeps every record of publishes made at once', async () => {
      const topic = await declared(3);
      const reader = read(log, { topics: [topic] });
      const names = Array.from({ length: 100 }, (_, i) => `${i}`);
      const others = [log, another()];
      await Promise.all(
        names.map((name, i) =>
          (others[i % 2] as EventLog).publish(topic, [text(name, `key ${i % 7}`), text(name)]),
        ),
      );
      await eventually(() => expect(reader.records).toHaveLength(200));
      expect(reader.texts().toSorted()).toEqual([...names, ...names].toSorted());
    });

    it('goes by one log id whoever connects', async () => {
      const topic = await declared(1);
      await log.publish(topic, [text('a')], 0);
      const readers = [read(log, { topics: [topic] }), read(another(), { topics: [topic] })];
      await eventually(() => expect(readers.map((reader) => reader.batches.length)).toEqual([1, 1]));
      const ids = new Set(readers.map((reader) => reader.batches[0]?.logId));
      expect(ids.size).toBe(1);
      expect([...ids][0]).toMatch(/\S/);
    });

    it('rejects what is asked of it once closed', async () => {
      const topic = await declared(1);
      await log.close();
      await expect(log.publish(topic, [text('late')])).rejects.toHaveProperty('message');
      const subscribing = log.subscribe({
        group: 'late',
        topics: [topic],
        start: 'committed',
        onBatch: () => Promise.resolve(undefined),
        onError: () => undefined,
      });
      await expect(subscribing).rejects.toHaveProperty('message');
    });
  });
}
