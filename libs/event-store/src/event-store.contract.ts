import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Append, EventStore, IdempotencyRecord, StoredEvent } from './event-store.js';
import { readingProblems } from './reading-problems.contract.js';

/** What the contract's read model makes of an append: it keeps the note, refuses, or fails. */
export interface Noted {
  note: string;
  refuse?: string;
  fail?: true;
}

/** A store under test, with the contract's read model; what several of them store is one. */
export interface StoreUnderTest {
  open(): EventStore<Noted>;
  /** Notes that the read model holds. */
  notes(): Promise<string[]>;
  /** Makes an idempotency record as old as that. */
  age(record: IdempotencyRecord, hours: number): Promise<void>;
}

export const metadata = {
  actor: { type: 'operator', id: 'operator' },
  sourceAddress: '192.0.2.7',
  reason: 'why',
  requestId: 'request',
  traceId: 'trace',
};

/** An append of so many events to a stream. */
export function appendOf(
  streamId: string,
  expectedVersion: number,
  more: Partial<Append<Noted>> & { count?: number } = {},
): Append<Noted> {
  const { count = 1, ...rest } = more;
  const events = Array.from({ length: count }, (_, i) => ({
    type: 'Happened',
    schemaVersion: 1,
    data: { number: expectedVersion + i + 1 },
  }));
  const projected = { note: `${streamId} ${expectedVersion}` };
  return { streamId, tenantId: 'acme', expectedVersion, events, metadata, projected, ...rest };
}

/** What every EventStore promises. */
export function eventStoreContract(open: () => StoreUnderTest): void {
  describe('as every EventStore', () => {
    let test: StoreUnderTest;
    let store: EventStore<Noted>;
    let stream: string;

    beforeEach(() => {
      test = open();
      store = test.open();
      stream = `stream-${randomUUID()}`;
    });

    function wish(): IdempotencyRecord {
      return {
        scope: 'acme create',
        key: randomUUID(),
        requestHash: 'hash',
        outcome: { id: 1, list: [null] },
      };
    }

    async function lastPosition(): Promise<number> {
      const all = await readAll(store);
      return all[all.length - 1]?.position ?? 0;
    }

    describe('appending', () => {
      it('gives back what was appended, with who, whence and why', async () => {
        const before = Date.now() - 60_000;
        const append = appendOf(stream, 0);
        await expect(store.append(append)).resolves.toEqual({ status: 'appended', version: 1 });
        const [event] = await store.read(stream);
        expect(event).toEqual({
          ...append.events[0],
          streamId: stream,
          tenantId: 'acme',
          version: 1,
          metadata,
          position: expect.any(Number),
          recordedAtMs: expect.any(Number),
        });
        expect(event?.recordedAtMs).toBeGreaterThan(before);
      });

      it('stores the events of one append in their order, at consecutive versions and positions', async () => {
        await store.append(appendOf(stream, 0, { count: 3 }));
        await expect(store.append(appendOf(stream, 3, { count: 2 }))).resolves.toEqual({
          status: 'appended',
          version: 5,
        });
        const events = await store.read(stream);
        expect(events.map(({ version }) => version)).toEqual([1, 2, 3, 4, 5]);
        expect(events.map(({ data }) => data)).toEqual([1, 2, 3, 4, 5].map((number) => ({ number })));
        const positions = events.map(({ position }) => position);
        expect(positions).toEqual(positions.toSorted((a, b) => a - b));
      });

      it.each([0, 1, 3, 100])('refuses expected version %d of a stream at version 2', async (expected) => {
        await store.append(appendOf(stream, 0, { count: 2 }));
        await expect(store.append(appendOf(stream, expected))).resolves.toEqual({ status: 'conflict' });
        await expect(store.read(stream)).resolves.toHaveLength(2);
      });

      it('lets exactly one of many writers take a version, whichever store they use', async () => {
        const stores = [store, test.open(), test.open()];
        const outcomes = await Promise.all(
          Array.from({ length: 60 }, (_, i) =>
            (stores[i % 3] as EventStore<Noted>).append(appendOf(stream, 0, { count: 2 })),
          ),
        );
        expect(outcomes.filter(({ status }) => status === 'appended')).toHaveLength(1);
        expect(outcomes.filter(({ status }) => status === 'conflict')).toHaveLength(59);
        await expect(store.read(stream)).resolves.toHaveLength(2);
      });

      it('stores nothing of an append that conflicts: no event, no read model, no idempotency record', async () => {
        await store.append(appendOf(stream, 0));
        const idempotency = wish();
        const lost = appendOf(stream, 0, { idempotency, projected: { note: randomUUID() } });
        await expect(store.append(lost)).resolves.toEqual({ status: 'conflict' });
        await expect(test.notes()).resolves.not.toContain(lost.projected.note);
        await expect(
          store.findIdempotencyRecord(idempotency.scope, idempotency.key),
        ).resolves.toBeUndefined();
      });

      it('stores nothing of an append that the read model refuses', async () => {
        const idempotency = wish();
        const refused = appendOf(stream, 0, {
          idempotency,
          projected: { note: randomUUID(), refuse: 'FULL' },
        });
        await expect(store.append(refused)).resolves.toEqual({ status: 'refused', code: 'FULL' });
        await expect(store.read(stream)).resolves.toEqual([]);
        await expect(test.notes()).resolves.not.toContain(refused.projected.note);
        await expect(
          store.findIdempotencyRecord(idempotency.scope, idempotency.key),
        ).resolves.toBeUndefined();
      });

      it('writes the read model with the events', async () => {
        const note = randomUUID();
        await store.append(appendOf(stream, 0, { projected: { note } }));
        await expect(test.notes()).resolves.toContain(note);
      });

      it('does not let one append harm those that came with it', async () => {
        await store.append(appendOf(stream, 0));
        const taken = wish();
        await store.keepIdempotencyRecord(taken);
        const streams = Array.from({ length: 40 }, () => `stream-${randomUUID()}`);
        const appends = streams.map((streamId) => appendOf(streamId, 0));
        appends[5] = appendOf(stream, 0);
        appends[10] = appendOf(streams[10] as string, 0, { projected: { note: 'x', refuse: 'FULL' } });
        appends[15] = appendOf(streams[15] as string, 0, { idempotency: { ...taken } });
        appends[20] = appendOf(streams[20] as string, 0, { projected: { note: 'x', fail: true } });
        appends[25] = appendOf(streams[25] as string, 0, {
          events: [{ type: 'Happened', schemaVersion: 1, data: { text: '\u0000' } }],
        });
        const results = await Promise.allSettled(appends.map((append) => store.append(append)));
        const statuses = results.map((result) =>
          result.status === 'fulfilled' ? result.value.status : 'failed',
        );
        const expected = streams.map(() => 'appended');
        Object.assign(expected, { 5: 'conflict', 10: 'refused', 15: 'repeated', 20: 'failed', 25: 'failed' });
        expect(statuses).toEqual(expected);
        const stored = await store.readStreams(streams, Number.MAX_SAFE_INTEGER);
        expect(stored.size).toBe(35);
      });
    });

    describe('reading', () => {
      it('pages through all events by position, each once', async () => {
        const from = await lastPosition();
        for (const expected of [0, 2, 4]) await store.append(appendOf(stream, expected, { count: 2 }));
        const first = await store.readAfter(from, 4);
        const rest = await store.readAfter(first[3]?.position ?? 0, 4);
        expect([...first, ...rest].map(({ version }) => version)).toEqual([1, 2, 3, 4, 5, 6]);
        await expect(store.readAfter(rest[1]?.position ?? 0, 4)).resolves.toEqual([]);
      });

      it('reads streams up to a position, leaving out what came later and what is not there', async () => {
        const other = `stream-${randomUUID()}`;
        await store.append(appendOf(stream, 0, { count: 2 }));
        await store.append(appendOf(other, 0));
        const upTo = await lastPosition();
        await store.append(appendOf(stream, 2));
        const streams = await store.readStreams([stream, other, 'absent'], upTo);
        expect(streams.size).toBe(2);
        expect(streams.get(stream)?.map(({ version }) => version)).toEqual([1, 2]);
        expect(streams.get(other)?.map(({ version }) => version)).toEqual([1]);
        await expect(store.read('absent')).resolves.toEqual([]);
      });

      it('shows a follower every event once and in order, while several stores append at once', async () => {
        const stores = [store, test.open(), test.open()];
        const from = await lastPosition();
        const followed: StoredEvent[] = [];
        let writing = true;
        const follower = (async () => {
          for (let position = from; ; ) {
            const wasWriting = writing;
            const events = await store.readAfter(position, 7);
            followed.push(...events);
            position = events[events.length - 1]?.position ?? position;
            if (events.length === 0 && !wasWriting) return;
          }
        })();
        const streams = Array.from({ length: 24 }, (_, i) => `storm-${i}-${randomUUID()}`);
        await Promise.all(
          streams.map(async (streamId, i) => {
            for (let version = 0; version < 30; version += 2) {
              const appending = stores[(i + version) % 3] as EventStore<Noted>;
              await appending.append(appendOf(streamId, version, { count: 2 }));
            }
          }),
        );
        writing = false;
        await follower;
        const stored = await readAll(store, from);
        expect(stored).toHaveLength(24 * 30);
        expect(readingProblems(followed, stored)).toEqual([]);
      });
    });

    describe('idempotency', () => {
      it('keeps the record with its append', async () => {
        const idempotency = wish();
        await store.append(appendOf(stream, 0, { idempotency }));
        const { scope, key } = idempotency;
        await expect(store.findIdempotencyRecord(scope, key)).resolves.toEqual(idempotency);
        await expect(store.findIdempotencyRecord(`${scope} other`, key)).resolves.toBeUndefined();
      });

      it('stores one of many appends with the same key, whichever store they use', async () => {
        const idempotency = wish();
        const stores = [store, test.open()];
        const streams = Array.from({ length: 20 }, () => `stream-${randomUUID()}`);
        const outcomes = await Promise.all(
          streams.map((streamId, i) =>
            (stores[i % 2] as EventStore<Noted>).append(
              appendOf(streamId, 0, { idempotency: { ...idempotency } }),
            ),
          ),
        );
        expect(outcomes.filter(({ status }) => status === 'appended')).toHaveLength(1);
        expect(outcomes.filter(({ status }) => status === 'repeated')).toHaveLength(19);
        expect((await store.readStreams(streams, Number.MAX_SAFE_INTEGER)).size).toBe(1);
      });

      it('says that a wish was stored before it says that the read model would refuse it now', async () => {
        const idempotency = wish();
        await store.append(appendOf(stream, 0, { idempotency }));
        const again = appendOf(`${stream}-2`, 0, { idempotency, projected: { note: 'x', refuse: 'FULL' } });
        await expect(store.append(again)).resolves.toEqual({ status: 'repeated' });
      });

      it('keeps the outcome of a wish that led to no event', async () => {
        const record = wish();
        await expect(store.keepIdempotencyRecord(record)).resolves.toBe(true);
        await expect(store.keepIdempotencyRecord({ ...record, outcome: {} })).resolves.toBe(false);
        await expect(store.findIdempotencyRecord(record.scope, record.key)).resolves.toEqual(record);
      });

      it('remembers a key for 24 hours', async () => {
        const idempotency = wish();
        await store.append(appendOf(stream, 0, { idempotency }));
        await test.age(idempotency, 23.9);
        await expect(store.findIdempotencyRecord(idempotency.scope, idempotency.key)).resolves.toBeDefined();
        await expect(store.append(appendOf(stream, 1, { idempotency }))).resolves.toEqual({
          status: 'repeated',
        });
        await test.age(idempotency, 24.1);
        await expect(
          store.findIdempotencyRecord(idempotency.scope, idempotency.key),
        ).resolves.toBeUndefined();
        const anew = { ...idempotency, outcome: { anew: true } };
        await expect(store.append(appendOf(stream, 1, { idempotency: anew }))).resolves.toMatchObject({
          status: 'appended',
        });
        await expect(store.findIdempotencyRecord(anew.scope, anew.key)).resolves.toEqual(anew);
      });
    });
  });
}

/** All events after a position. */
export async function readAll(store: EventStore<Noted>, after = 0): Promise<StoredEvent[]> {
  const all: StoredEvent[] = [];
  for (;;) {
    const events = await store.readAfter(all[all.length - 1]?.position ?? after, 1000);
    if (events.length === 0) return all;
    all.push(...events);
  }
}
