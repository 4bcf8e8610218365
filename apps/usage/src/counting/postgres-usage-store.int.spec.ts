import { randomUUID } from 'node:crypto';
import { jest } from '@jest/globals';
import * as fc from 'fast-check';
import type { RequestEvent } from '#libs/contracts';
import { ALL_TENANTS } from '#libs/service-kit/postgres-database';
import { checkCounts } from '#libs/testing/count-check';
import { openUsageDatabase, requestEvent, type UsageDatabase } from '../usage-database.contract.js';
import { PostgresUsageStore } from './postgres-usage-store.js';
import type { ArrivedEvent, ArrivedRun } from './request-batch.js';
import { retentionCutoffs } from './retention-periods.js';
import type { ArrivedBatch, CountedBatch } from './usage-store.js';

jest.setTimeout(60_000);

const MINUTE_MS = 60 * 1000;
const T0 = Date.UTC(2026, 10, 22, 10, 5);

const position = (partition = 0) => ({ logId: 'log', topic: 'latchkey.requests.v1', partition });

const run = (incarnation: string, firstSequence: number, ...events: ArrivedEvent[]): ArrivedRun => ({
  incarnation,
  firstSequence,
  events,
});

const events = (...ids: string[]) => ids.map((id) => requestEvent(id));

const reported = (id: string, minutes: number, fields: Partial<RequestEvent> = {}) =>
  requestEvent(id, { reported: true, occurredAtMs: T0 + minutes * MINUTE_MS, ...fields });

describe('PostgresUsageStore', () => {
  let usage: UsageDatabase;
  let store: PostgresUsageStore;
  let offset = 0n;

  beforeAll(async () => {
    usage = await openUsageDatabase();
    store = new PostgresUsageStore(usage.database);
  });
  beforeEach(async () => {
    await usage.clear();
    offset = 0n;
  });
  afterAll(() => usage.close());

  function batchOf(runs: ArrivedRun[], fields: Partial<ArrivedBatch> = {}): ArrivedBatch {
    const firstOffset = fields.firstOffset ?? offset;
    offset = firstOffset + 1n;
    return { position: position(), firstOffset, nextOffset: offset, runs, ...fields };
  }

  /** Counts a batch that is taken as it comes. */
  async function count(runs: ArrivedRun[], fields: Partial<ArrivedBatch> = {}): Promise<CountedBatch> {
    const outcome = await store.count(batchOf(runs, fields));
    if ('resumeAt' in outcome) throw new Error(`wants to resume at ${outcome.resumeAt}`);
    return outcome;
  }

  async function activity(keyId: string) {
    const rows = await usage.sql<{ last_used_at: Date | null; last_authenticated_at: Date | null }>(
      'select last_used_at, last_authenticated_at from usage.key_activity where key_id = $1',
      [keyId],
    );
    const [row] = rows;
    return row && [row.last_used_at?.getTime() ?? null, row.last_authenticated_at?.getTime() ?? null];
  }

  describe('counting', () => {
    it('adds up by key, quarter of an hour and verdict', async () => {
      const at = (minutes: number, fields: Partial<RequestEvent> = {}) =>
        requestEvent(randomUUID(), { keyId: 'key_1', occurredAtMs: T0 + minutes * MINUTE_MS, ...fields });
      const incarnation = randomUUID();
      await count([run(incarnation, 1, at(0), at(9), at(10), at(0, { outcome: 'REVOKED' }))]);
      await count([run(incarnation, 5, at(1))]);
      const rows = await usage.sql(
        'select quarter, outcome, count::int from usage.request_counts order by quarter, outcome',
      );
      expect(rows).toEqual([
        { quarter: new Date('2026-11-22T10:00:00Z'), outcome: 'REVOKED', count: 1 },
        { quarter: new Date('2026-11-22T10:00:00Z'), outcome: 'VALID', count: 3 },
        { quarter: new Date('2026-11-22T10:15:00Z'), outcome: 'VALID', count: 1 },
      ]);
    });

    it('lets the times of a key rise only, whatever order requests come in', async () => {
      const incarnation = randomUUID();
      const at = (minutes: number, fields: Partial<RequestEvent> = {}) =>
        requestEvent('k', { occurredAtMs: T0 + minutes * MINUTE_MS, ...fields });
      await count([run(incarnation, 1, at(0, { outcome: 'REVOKED' }))]);
      expect(await activity('k')).toEqual([null, null]);
      await count([run(incarnation, 2, at(5), at(7, { outcome: 'INSUFFICIENT_SCOPE' }))]);
      await count([run(incarnation, 4, at(1), at(6, { status: 500 }))]);
      expect(await activity('k')).toEqual([T0 + 5 * MINUTE_MS, T0 + 7 * MINUTE_MS]);
    });

    it('counts a batch that comes again once, also packed otherwise', async () => {
      const incarnation = randomUUID();
      await count([run(incarnation, 1, ...events('a', 'b'))]);
      const again = await count([run(incarnation, 1, ...events('a', 'b', 'c'))], { firstOffset: 0n });
      expect(again).toMatchObject({ counted: 1, dropped: 2 });
      expect(await usage.counted('acme')).toEqual(
        new Map([
          ['a', 1],
          ['b', 1],
          ['c', 1],
        ]),
      );
    });

    it('counts nothing and moves no offset when its transaction fails', async () => {
      const incarnation = randomUUID();
      const poison = requestEvent('b', { outcome: 'x'.repeat(10) as never, occurredAtMs: Number.NaN });
      await expect(count([run(incarnation, 1, ...events('a'), poison)])).rejects.toThrow('bigint');
      expect(await usage.counted('acme')).toEqual(new Map());
      expect(await store.nextOffset(position())).toBeUndefined();
      expect(await usage.sql('select * from usage.reporters')).toEqual([]);
    });

    it('gives an event of another form its sequence and counts those after it', async () => {
      const outcome = await count([run(randomUUID(), 1, undefined, requestEvent('b'))]);
      expect(outcome).toMatchObject({ counted: 1, malformed: 1, parked: 0 });
    });

    it('counts what two readers bring at the same time, without a deadlock', async () => {
      const ids = Array.from({ length: 200 }, (_, i) => `k${i}`);
      const batches = [0, 1, 2, 3].map((partition) => {
        const own = partition % 2 === 0 ? ids : ids.toReversed();
        const runs = Array.from({ length: 5 }, (_, i) => run(randomUUID(), 1, ...events(...own, `p${i}`)));
        return { position: position(partition), firstOffset: 0n, nextOffset: 5n, runs };
      });
      await Promise.all(batches.map((batch) => store.count(batch)));
      const counted = await usage.counted('acme');
      expect(ids.map((id) => counted.get(id))).toEqual(ids.map(() => 20));
    });
  });

  describe('gaps', () => {
    it('keeps what comes after a gap, tells of it, and counts it when the gap is filled', async () => {
      const incarnation = randomUUID();
      await count([run(incarnation, 1, ...events('a'))]);
      const parked = await count([
        run(incarnation, 3, ...events('c', 'd')),
        run(incarnation, 6, ...events('f')),
      ]);
      expect(parked).toMatchObject({ counted: 0, parked: 3 });
      expect(parked.gaps).toEqual([{ incarnation, expectedSequence: 2, firstParkedSequence: 3 }]);
      expect(await store.parkedEvents()).toBe(3);
      const filled = await count([run(incarnation, 2, ...events('b'))]);
      expect(filled).toMatchObject({ counted: 3, gaps: [{ expectedSequence: 5, firstParkedSequence: 6 }] });
      await count([run(incarnation, 5, ...events('e'))]);
      expect(await store.parkedEvents()).toBe(0);
      expect(await usage.sql('select * from usage.parked_events')).toEqual([]);
      const ids = ['a', 'b', 'c', 'd', 'e', 'f'];
      expect(checkCounts({ answered: ids, received: ids, counted: await usage.counted('acme') })).toEqual([]);
    });

    it('forgets parked events that came again and were counted in their turn', async () => {
      const incarnation = randomUUID();
      await count([run(incarnation, 2, ...events('b', 'c'))]);
      await count([run(incarnation, 2, ...events('b', 'c'))]);
      expect(await store.parkedEvents()).toBe(2);
      await count([run(incarnation, 1, ...events('a', 'b', 'c', 'd'))]);
      expect(await store.parkedEvents()).toBe(0);
      expect([...(await usage.counted('acme')).values()]).toEqual([1, 1, 1, 1]);
    });

    it('fills a gap with thousands of events behind it', async () => {
      const incarnation = randomUUID();
      const behind = Array.from({ length: 12_000 }, () => requestEvent('many'));
      await count([run(incarnation, 2, ...behind)]);
      await count([run(incarnation, 1, requestEvent('first'))]);
      expect(await usage.counted('acme')).toEqual(
        new Map([
          ['first', 1],
          ['many', 12_000],
        ]),
      );
    });

    it('keeps an event of another form in its place', async () => {
      const incarnation = randomUUID();
      await count([run(incarnation, 2, undefined, requestEvent('c'))]);
      expect(await count([run(incarnation, 1, requestEvent('a'))])).toMatchObject({
        counted: 2,
        malformed: 1,
      });
    });
  });

  it('counts each event once, whatever way several reporters’ messages are mixed, repeated and replayed', async () => {
    const piece = fc.record({ reporter: fc.nat(2), from: fc.nat(), length: fc.integer({ min: 1, max: 6 }) });
    await fc.assert(
      fc.asyncProperty(
        fc.array(piece, { maxLength: 15 }),
        fc.integer({ min: 1, max: 4 }),
        async (pieces, size) => {
          await usage.clear();
          const incarnations = [randomUUID(), randomUUID(), randomUUID()] as const;
          const idsOf = (reporter: number) => Array.from({ length: 8 }, (_, i) => `${reporter}-${i}`);
          const messages = pieces.map(({ reporter, from, length }) => {
            const at = from % 8;
            const ids = idsOf(reporter).slice(at, at + length);
            return run(incarnations[reporter] as string, at + 1, ...events(...ids));
          });
          for (const [reporter, incarnation] of incarnations.entries()) {
            messages.push(run(incarnation, 1, ...events(...idsOf(reporter))));
          }
          for (let at = 0; at < messages.length; at += size) await count(messages.slice(at, at + size));
          const ids = [0, 1, 2].flatMap(idsOf);
          const counted = await usage.counted('acme');
          expect(checkCounts({ answered: ids, received: ids, counted })).toEqual([]);
        },
      ),
      { numRuns: 25 },
    );
  });

  describe('offsets', () => {
    it('are kept by log, topic and partition', async () => {
      await count([run(randomUUID(), 1, ...events('a'))], { firstOffset: 41n });
      expect(await store.nextOffset(position())).toBe(42n);
      expect(await store.nextOffset(position(1))).toBeUndefined();
      expect(await store.nextOffset({ ...position(), logId: 'another' })).toBeUndefined();
    });

    it('send a batch that begins behind them back, and nothing of it is counted', async () => {
      await count([run(randomUUID(), 1, ...events('a'))]);
      const outcome = await store.count(batchOf([run(randomUUID(), 1, ...events('b'))], { firstOffset: 5n }));
      expect(outcome).toEqual({ resumeAt: 1n });
      expect(await usage.counted('acme')).toEqual(new Map([['a', 1]]));
    });

    it('let a batch pass that is all the log still has, and tell what is missing', async () => {
      await count([run(randomUUID(), 1, ...events('a'))]);
      const outcome = await count([run(randomUUID(), 1, ...events('b'))], { firstOffset: 5n, resumedAt: 1n });
      expect(outcome).toMatchObject({ counted: 1, missing: { from: 1n, to: 4n } });
      expect(await store.nextOffset(position())).toBe(6n);
    });

    it('of a topic that was made anew begin anew, and its events are counted', async () => {
      await count([run(randomUUID(), 1, ...events('a'))], { firstOffset: 1000n });
      await count([run(randomUUID(), 1, ...events('b'))], { firstOffset: 0n });
      expect(await usage.counted('acme')).toEqual(
        new Map([
          ['a', 1],
          ['b', 1],
        ]),
      );
    });
  });

  describe('reports', () => {
    it('count once when repeated within 15 minutes, in the same batch or another, by the same reporter or another', async () => {
      await count([run(randomUUID(), 1, reported('a', 0), reported('a', 1))]);
      const outcome = await count([run(randomUUID(), 1, reported('a', 15), reported('b', 0))]);
      expect(outcome).toMatchObject({ counted: 1, repeated: 1 });
      expect(await usage.counted('acme')).toEqual(
        new Map([
          ['a', 1],
          ['b', 1],
        ]),
      );
    });

    it('count again when the same id comes later', async () => {
      await count([run(randomUUID(), 1, reported('a', 0), reported('a', 16))]);
      await count([run(randomUUID(), 1, reported('a', 32))]);
      expect(await usage.counted('acme')).toEqual(new Map([['a', 3]]));
    });

    it('of two tenants with the same id both count', async () => {
      await count([run(randomUUID(), 1, reported('a', 0), reported('a', 0, { tenantId: 'beta' }))]);
      expect((await usage.counted('acme')).get('a')).toBe(1);
      expect((await usage.counted('beta')).get('a')).toBe(1);
    });

    it('do not keep verifications with the same id from being counted', async () => {
      await count([run(randomUUID(), 1, requestEvent('a'), requestEvent('a'))]);
      expect(await usage.counted('acme')).toEqual(new Map([['a', 2]]));
    });

    it('count once when two readers bring them at the same time', async () => {
      const batches = [0, 1, 2, 3].map((partition) => ({
        position: position(partition),
        firstOffset: 0n,
        nextOffset: 1n,
        runs: [run(randomUUID(), 1, ...Array.from({ length: 50 }, (_, i) => reported(`r${i}`, partition)))],
      }));
      await Promise.all(batches.map((batch) => store.count(batch)));
      expect(new Set((await usage.counted('acme')).values())).toEqual(new Set([1]));
    });
  });

  describe('forgetting', () => {
    it('removes what is past its time, in steps, and keeps the rest', async () => {
      const incarnation = randomUUID();
      const old = requestEvent('old', { occurredAtMs: Date.UTC(2025, 0, 1) });
      const more = requestEvent('older', { occurredAtMs: Date.UTC(2025, 0, 1) });
      await count([run(incarnation, 1, old, more, requestEvent('new', { reported: true }))]);
      const nowMs = Date.UTC(2026, 10, 22, 10);
      expect(await store.forget(retentionCutoffs(nowMs), 1)).toBe(1);
      expect(await store.forget(retentionCutoffs(nowMs), 1)).toBe(1);
      expect(await store.forget(retentionCutoffs(nowMs), 1)).toBe(0);
      expect(await usage.counted('acme')).toEqual(new Map([['new', 1]]));
    });

    it('keeps reporters for 60 days, and longer while events wait for them', async () => {
      const [quiet, waiting, fresh] = [randomUUID(), randomUUID(), randomUUID()];
      await count([
        run(quiet, 1, requestEvent('a')),
        run(waiting, 2, requestEvent('b')),
        run(fresh, 1, requestEvent('c')),
      ]);
      await usage.sql(
        `update usage.reporters set seen_at = now() - interval '61 days' where incarnation <> $1`,
        [fresh],
      );
      await store.forget(retentionCutoffs(Date.now()), 100);
      const left = await usage.sql<{ incarnation: string }>('select incarnation from usage.reporters');
      expect(new Set(left.map(({ incarnation }) => incarnation))).toEqual(new Set([waiting, fresh]));
    });

    it('keeps reports long enough to know them again', async () => {
      await count([run(randomUUID(), 1, requestEvent('a', { reported: true }))]);
      const all = () => usage.sql('select * from usage.reported_requests');
      await store.forget(retentionCutoffs(Date.now()), 100);
      expect(await all()).toHaveLength(1);
      await usage.sql(`update usage.reported_requests set counted_at = now() - interval '61 minutes'`);
      await store.forget(retentionCutoffs(Date.now()), 100);
      expect(await all()).toHaveLength(0);
    });
  });

  describe('the runtime role', () => {
    const tables = [
      'request_counts',
      'key_activity',
      'known_keys',
      'reported_requests',
      'consumed_offsets',
      'reporters',
      'parked_events',
    ];

    beforeEach(async () => {
      await usage.sql(`insert into usage.known_keys values ('a', 'acme', now()), ('z', 'beta', now())`);
      const other = requestEvent('z', { tenantId: 'beta', reported: true });
      await count([
        run(randomUUID(), 1, requestEvent('a', { reported: true }), other),
        run(randomUUID(), 2, requestEvent('b')),
      ]);
    });

    it.each(tables)('sees no row of %s without a scope', async (table) => {
      expect(await usage.database.dataSource.query(`select * from usage.${table}`)).toEqual([]);
    });

    it.each(tables)('sees in the scope of a tenant no other tenant’s row of %s', async (table) => {
      const rows: { tenant_id?: string }[] = await usage.database.inTransaction('acme', (transaction) =>
        transaction.query(`select * from usage.${table}`),
      );
      const ofTenants = tables.indexOf(table) < 4;
      expect(rows.map(({ tenant_id }) => tenant_id)).toEqual(ofTenants ? ['acme'] : []);
    });

    it('can not write a row of another tenant than the scope’s', async () => {
      const writing = usage.database.inTransaction('acme', (transaction) =>
        transaction.query(`insert into usage.key_activity (tenant_id, key_id) values ('beta', 'k')`),
      );
      await expect(writing).rejects.toThrow('row-level security');
    });

    it('owns nothing and can not leave row-level security', async () => {
      const owned = await usage.sql(`select 1 from pg_class where relowner = 'latchkey_usage'::regrole`);
      expect(owned).toEqual([]);
      const disabling = usage.database.inTransaction(ALL_TENANTS, (transaction) =>
        transaction.query('alter table usage.request_counts disable row level security'),
      );
      await expect(disabling).rejects.toThrow('must be owner');
    });
  });
});
