import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import pg from 'pg';
import type { QueryRunner } from 'typeorm';
import { type Append, ReadModel, type Transaction } from '#libs/event-store';
import { CreateEventStore1763800000000 } from '#libs/event-store/migrations/1763800000000-create-event-store';
import { PostgresEventStore } from '#libs/event-store/postgres-event-store';
import { type FenceEntry, GRANT_ENTRIES_MAX, outlivesMs } from '#libs/fence';
import { PostgresDatabase } from '#libs/service-kit/postgres-database';
import { eventually } from '#libs/testing/eventually';
import { CreateKeyReadModel1763800100000 } from '../read-model/migrations/1763800100000-create-key-read-model.js';
import type { Projected } from '../read-model/projected.js';
import { createKeysDatabase, type KeysDatabase, logger } from '../served-key-management.contract.js';
import type { FenceChange } from './fence-change.js';
import type { FenceReceipt } from './fence-ledger.js';
import { CreateFence1763800200000 } from './migrations/1763800200000-create-fence.js';
import { ReadFenceLogByIndex1764400000000 } from './migrations/1764400000000-read-fence-log-by-index.js';
import { PostgresFenceLedger } from './postgres-fence-ledger.js';
import { selectEntries } from './postgres-fence-rows.js';
import { PostgresFenceLog } from './postgres-fence-log.js';

jest.setTimeout(60_000);

const TERMS = { leaseMs: 10_000, serveStaleMs: 0 };
const FENCE_LOCK = `hashtext('latchkey fence')`;

class NoReadModel extends ReadModel<Projected> {
  async project(_: unknown, appends: readonly unknown[]) {
    return appends.map(() => undefined);
  }
}

describe('PostgresFenceLedger', () => {
  let test: KeysDatabase;
  let databases: PostgresDatabase[];
  let admin: pg.Pool;
  let ledger: PostgresFenceLedger;
  let stores: PostgresEventStore<Projected, FenceReceipt>[];

  beforeAll(async () => {
    test = await createKeysDatabase();
    admin = new pg.Pool({ connectionString: test.adminUrl });
    databases = [1, 2].map(
      () =>
        new PostgresDatabase(
          {
            ...test.urls,
            schema: 'keys',
            migrations: [
              CreateEventStore1763800000000,
              CreateKeyReadModel1763800100000,
              CreateFence1763800200000,
              ReadFenceLogByIndex1764400000000,
            ],
            connectionsMax: 10,
          },
          logger,
        ),
    );
    await Promise.all(databases.map(({ ready }) => ready));
    ledger = new PostgresFenceLedger(databases[0] as PostgresDatabase);
    stores = databases.map(
      (database) => new PostgresEventStore(database, new NoReadModel(), new PostgresFenceLog()),
    );
    await ledger.open(TERMS);
  });

  beforeEach(async () => {
    await admin.query('truncate keys.fence_log, keys.verifier_lease; update keys.fence_head set head = 0');
  });

  afterAll(async () => {
    await Promise.all(databases.map((database) => database.close()));
    await admin.end();
    await test.drop();
  });

  function change(subject: string, more: Partial<FenceChange> = {}): FenceChange {
    const entry = {
      kind: 'KEY',
      floorVersion: 2,
      terminal: false,
      profile: 'default',
      bindsFromMs: 0,
    } as const;
    return { ...entry, subject, ...more };
  }

  function appendOf(fence: FenceChange | undefined, streamId = `key-${randomUUID()}`): Append<Projected> {
    const events = [{ type: 'Happened', schemaVersion: 1, data: {} }];
    const actor = { type: 'operator', id: 'operator' };
    const metadata = { actor, sourceAddress: null, reason: null, requestId: null, traceId: null };
    const projected = { kind: 'key', state: { status: 'none' }, version: 1, fence } as const;
    return { streamId, tenantId: 'acme', expectedVersion: 0, events, metadata, projected };
  }

  /** Appends on one of two replicas; answers the place in the log. */
  async function append(fence: FenceChange, replica = 0): Promise<FenceReceipt> {
    const outcome = await (stores[replica] as (typeof stores)[0]).append(appendOf(fence));
    if (outcome.status !== 'appended' || outcome.receipt === undefined) throw new Error(outcome.status);
    return outcome.receipt;
  }

  const log = () => ledger.entriesAfter(0, 10_000).then(({ entries }) => entries);

  async function registered() {
    const incarnation = { verifierId: `verifier-${randomUUID()}`, incarnation: randomUUID() };
    await ledger.register({ ...incarnation, profiles: ['default'], serveStaleMs: 0 });
    return incarnation;
  }

  /** Resolves when so many sessions wait for the fence lock. */
  const untilBlocked = (sessions: number) =>
    eventually(async () => {
      const { rows } = await admin.query(
        `select 1 from pg_locks where locktype = 'advisory' and not granted
           and database = (select oid from pg_database where datname = current_database())`,
      );
      expect(rows).toHaveLength(sessions);
    });

  describe('the log', () => {
    it('numbers the entries of all replicas without gaps, in the order of their commits (R7)', async () => {
      const receipts = await Promise.all(
        Array.from({ length: 100 }, (_, i) => append(change(`key-${i}`), i % 2).then(({ seq }) => [i, seq])),
      );
      const entries = await log();
      expect(entries.map(({ seq }) => seq)).toEqual(Array.from({ length: 100 }, (_, i) => i + 1));
      const bySeq = new Map(entries.map(({ seq, subject }) => [seq, subject]));
      for (const [i, seq] of receipts) expect(bySeq.get(seq as number)).toBe(`key-${i}`);
      expect((await ledger.observe()).standing.head).toBe(100);
    });

    it('has no entry of an append that was not stored, and no gap for it', async () => {
      const streamId = `key-${randomUUID()}`;
      const outcomes = await Promise.all(
        [0, 1, 0, 1].map((replica) =>
          (stores[replica] as (typeof stores)[0]).append(appendOf(change(streamId), streamId)),
        ),
      );
      expect(outcomes.filter(({ status }) => status === 'appended')).toHaveLength(1);
      await append(change('key-after'));
      expect((await log()).map(({ seq, subject }) => [seq, subject])).toEqual([
        [1, streamId],
        [2, 'key-after'],
      ]);
    });

    it('says nothing of what is new, which takes no part in the lock', async () => {
      const holder = await admin.connect();
      try {
        await holder.query('begin');
        await holder.query(`select pg_advisory_xact_lock(${FENCE_LOCK})`);
        const outcome = await stores[0]?.append(appendOf(undefined));
        expect(outcome).toMatchObject({ status: 'appended', receipt: undefined });
      } finally {
        await holder.query('rollback');
        holder.release();
      }
      expect(await log()).toEqual([]);
    });

    it('gives up an append, as unavailable, that waits too long for the lock', async () => {
      const holder = await admin.connect();
      try {
        await holder.query('begin');
        await holder.query(`select pg_advisory_xact_lock(${FENCE_LOCK})`);
        await expect(append(change('key-1'))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
        await expect(ledger.renew(await lateIncarnation(), 0)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
      } finally {
        await holder.query('rollback');
        holder.release();
      }
      await expect(append(change('key-1'))).resolves.toMatchObject({ seq: 1 });
    });
    const lateIncarnation = async () => ({ verifierId: 'late', incarnation: randomUUID() });

    it('finds the entry that covers a version, and the last one, of a subject', async () => {
      await append(change('key-1', { floorVersion: 2 }));
      await append(change('key-2', { floorVersion: 9 }));
      await append(change('key-1', { floorVersion: 4, kind: 'HINT' }));
      await expect(ledger.covering('key-1', 2)).resolves.toMatchObject({ seq: 1, profile: 'default' });
      await expect(ledger.covering('key-1', 3)).resolves.toMatchObject({ seq: 3 });
      await expect(ledger.covering('key-1', 5)).resolves.toBeUndefined();
      await expect(ledger.latest('key-1')).resolves.toMatchObject({ seq: 3 });
      await append(change('tenant-acme', { kind: 'TENANT' }));
      await expect(ledger.latest('tenant-acme')).resolves.toMatchObject({ seq: 4, profile: null });
    });
  });

  describe('a grant', () => {
    const clients: pg.PoolClient[] = [];
    afterEach(() => {
      for (const client of clients.splice(0)) client.release();
    });

    /** A restriction of another replica, up to its commit. */
    async function restricting() {
      const client = await admin.connect();
      clients.push(client);
      await client.query('begin');
      await client.query(`select pg_advisory_xact_lock(${FENCE_LOCK})`);
      await client.query(
        `insert into keys.fence_log (seq, kind, subject, floor_version, terminal, profile)
         select head + 1, 'KEY', 'key-1', 2, true, 'default' from keys.fence_head`,
      );
      await client.query('update keys.fence_head set head = head + 1');
      return { commit: () => client.query('commit') };
    }

    /** What a renewal that waited for a restriction's commit was told of it. */
    async function toldAfterWaiting(
      renew: (incarnation: { verifierId: string; incarnation: string }) => Promise<readonly FenceEntry[]>,
    ): Promise<string[]> {
      const incarnation = await registered();
      const restriction = await restricting();
      const renewal = renew(incarnation);
      await untilBlocked(1);
      await restriction.commit();
      return (await renewal).map(({ subject }) => subject);
    }

    it('that is ordered after a restriction carries it (I4)', async () => {
      await expect(
        toldAfterWaiting(async (incarnation) => (await ledger.renew(incarnation, 0)).entries),
      ).resolves.toEqual(['key-1']);
    });

    it('in one statement with its lock would not carry it: the check above catches that', async () => {
      const oneCte = async ({ verifierId, incarnation }: { verifierId: string; incarnation: string }) => {
        const { rows } = await admin.query(
          `with locked as materialized (select pg_advisory_xact_lock_shared(${FENCE_LOCK})),
                touched as (update keys.verifier_lease set renewals = renewals + 1
                            from locked where verifier_id = $1 and incarnation = $2 returning 1)
           select fence_log.* from touched, keys.fence_log`,
          [verifierId, incarnation],
        );
        return rows as FenceEntry[];
      };
      await expect(toldAfterWaiting(oneCte)).resolves.toEqual([]);
    });

    /**
     * Whether a restriction is safe from a verifier that joins, registering and taking a lease in one transaction that
     * is under way while the restriction is committed: it is told of it, or whoever waits for the restriction sees it.
     */
    async function isSafeFromJoining({ locking }: { locking: boolean }): Promise<boolean> {
      const verifierId = `joining-${randomUUID()}`;
      const client = await admin.connect();
      clients.push(client);
      await client.query('begin');
      if (locking) await client.query(`select pg_advisory_xact_lock_shared(${FENCE_LOCK})`);
      await client.query(
        `insert into keys.verifier_lease (verifier_id, incarnation, profiles, serve_stale_ms)
         values ($1, $2, '{default}', 0)`,
        [verifierId, randomUUID()],
      );
      const { rows: told } = await client.query('select * from keys.fence_log');
      const seen = append(change('key-1')).then(() => ledger.observe());
      // Without the lock the restriction passes by; with it, it waits for the one who joins.
      if (locking) await untilBlocked(1);
      else await seen;
      await client.query('commit');
      return told.length > 0 || (await seen).rows.some((row) => row.verifierId === verifierId);
    }

    it('and a restriction wait for each other, so that none passes the other unseen (R7)', async () => {
      await expect(isSafeFromJoining({ locking: true })).resolves.toBe(true);
    });

    it('without the lock could pass a restriction unseen: the check above catches that', async () => {
      await expect(isSafeFromJoining({ locking: false })).resolves.toBe(false);
    });

    it('is of at most so many entries and one more, which says that there are more', async () => {
      await admin.query(
        `insert into keys.fence_log (seq, kind, subject, floor_version, terminal, profile)
         select i, 'HINT', 'key-' || i, 2, false, 'default' from generate_series(1, 6000) as i;
         update keys.fence_head set head = 6000`,
      );
      const incarnation = await registered();
      const first = await ledger.renew(incarnation, 0);
      expect(first.entries).toHaveLength(GRANT_ENTRIES_MAX + 1);
      const rest = await ledger.renew(incarnation, GRANT_ENTRIES_MAX);
      expect(rest.entries.map(({ seq }) => seq)).toEqual(
        Array.from({ length: 6000 - GRANT_ENTRIES_MAX }, (_, i) => GRANT_ENTRIES_MAX + 1 + i),
      );
    });
  });

  describe('an incarnation', () => {
    it('is what a restriction waits for from its registration until it deregisters', async () => {
      const incarnation = await registered();
      expect((await ledger.observe()).rows).toMatchObject([{ ...incarnation, acked: 0, renewals: 0 }]);
      await ledger.deregister(incarnation);
      expect((await ledger.observe()).rows).toEqual([]);
      await expect(ledger.renew(incarnation, 0)).resolves.toMatchObject({ isKnown: false, entries: [] });
    });

    it('is told with each grant how many there are, itself among them, without those given up', async () => {
      const [one, two, silent] = [await registered(), await registered(), await registered()];
      const live = async () => (await ledger.renew(one, 0)).liveVerifiers;
      expect(await live()).toBe(3);
      const { rows } = await ledger.observe();
      await ledger.giveUp(rows.filter(({ incarnation }) => incarnation === silent.incarnation));
      expect(await live()).toBe(2);
      await ledger.deregister(two);
      expect(await live()).toBe(1);
    });

    it('is not given up where it renewed since it was seen (I7)', async () => {
      const incarnation = await registered();
      const { rows } = await ledger.observe();
      await ledger.renew(incarnation, 0);
      await expect(ledger.giveUp(rows)).resolves.toEqual([]);
      await expect(ledger.giveUp((await ledger.observe()).rows)).resolves.toEqual([incarnation]);
      expect((await ledger.observe()).rows).toEqual([]);
      await expect(ledger.renew(incarnation, 0)).resolves.toMatchObject({ isKnown: false, entries: [] });
      await expect(ledger.acknowledge([{ ...incarnation, applied: 1 }])).resolves.toEqual([]);
    });

    it('touches no other of the same verifier', async () => {
      const first = await registered();
      await ledger.renew(first, 0);
      const second = { verifierId: first.verifierId, incarnation: randomUUID() };
      const registration = { ...second, profiles: ['default'], serveStaleMs: 0 };
      await expect(ledger.register(registration)).resolves.toMatchObject({ outcome: 'registered' });
      await expect(ledger.register(registration)).resolves.toMatchObject({ outcome: 'known_already' });
      const { rows } = await ledger.observe();
      expect(rows).toEqual(
        expect.arrayContaining([
          expect.objectContaining({ ...first, renewals: 1 }),
          expect.objectContaining(second),
        ]),
      );
    });

    it('acknowledges only more than before, and no more than there is', async () => {
      await append(change('key-1'));
      await append(change('key-2'));
      const incarnation = await registered();
      const acked = async () => (await ledger.observe()).rows[0]?.acked;
      for (const [applied, expected] of [
        [1, 1],
        [0, 1],
        [2, 2],
        [1000, 2],
      ] as const) {
        await expect(ledger.acknowledge([{ ...incarnation, applied }])).resolves.toEqual([incarnation]);
        expect(await acked()).toBe(expected);
      }
    });

    it('may not serve beyond its lease for longer than is waited for', async () => {
      const incarnation = { verifierId: 'v', incarnation: randomUUID(), profiles: ['default'] };
      await expect(ledger.register({ ...incarnation, serveStaleMs: 1 })).resolves.toMatchObject({
        outcome: 'serves_too_long',
      });
      expect((await ledger.observe()).rows).toEqual([]);
    });
  });

  describe('pruning', () => {
    async function pruned(...changes: FenceChange[]): Promise<number[]> {
      for (const each of changes) await append(each);
      await ledger.prune(1000);
      return (await log()).map(({ seq }) => seq);
    }
    const age = () => admin.query(`update keys.fence_log set committed_at = now() - interval '25 hours'`);

    it('removes what a later restriction of the same subject replaced, and old hints that any replaced', async () => {
      await expect(
        pruned(
          change('key-1', { floorVersion: 2 }),
          change('key-1', { floorVersion: 3, kind: 'HINT' }),
          change('key-1', { floorVersion: 4 }),
          change('key-2', { floorVersion: 2 }),
        ),
      ).resolves.toEqual([3, 4]);
    });

    it('keeps a restriction that only a hint followed: hints are forgotten after a day, restrictions are not', async () => {
      const changes = [
        change('key-1', { floorVersion: 2 }),
        change('key-1', { floorVersion: 3, kind: 'HINT' }),
      ];
      await expect(pruned(...changes)).resolves.toEqual([1, 2]);
      await age();
      await expect(pruned()).resolves.toEqual([1]);
    });

    it('never removes that a key is revoked', async () => {
      const revoked = change('key-1', { floorVersion: 2, terminal: true });
      await expect(pruned(revoked, change('key-1', { floorVersion: 3 }))).resolves.toEqual([1, 2]);
      await age();
      await expect(pruned()).resolves.toEqual([1, 2]);
    });

    it('removes nothing that a verifier has not acknowledged', async () => {
      const incarnation = await registered();
      const changes = [2, 3, 4].map((floorVersion) => change('key-1', { floorVersion }));
      await expect(pruned(...changes)).resolves.toEqual([1, 2, 3]);
      await ledger.acknowledge([{ ...incarnation, applied: 1 }]);
      await expect(pruned()).resolves.toEqual([2, 3]);
    });
  });

  describe('an epoch', () => {
    const boundMs = outlivesMs(TERMS);

    afterAll(async () => {
      await admin.query('truncate keys.fence_epochs');
      await ledger.open(TERMS);
    });

    it('is settled where it is the first of the database, and stays the same while nothing changes', async () => {
      const standing = await ledger.open(TERMS);
      expect(standing).toMatchObject({ settled: true, isOpen: true, leaseMs: 10_000, boundMs });
      await expect(ledger.open(TERMS)).resolves.toEqual(standing);
    });

    it('ends with its terms: earlier incarnations are given up, and restrictions wait for the longer of both', async () => {
      const before = await ledger.open(TERMS);
      const incarnation = await registered();
      const after = await ledger.open({ leaseMs: 2000, serveStaleMs: 1000 });
      expect(after.epoch).not.toBe(before.epoch);
      expect(after).toMatchObject({ settled: false, isOpen: true, leaseMs: 2000, serveStaleMaxMs: 1000 });
      expect(after.boundMs).toBeGreaterThanOrEqual(boundMs);
      await expect(ledger.renew(incarnation, 0)).resolves.toMatchObject({ isKnown: false });
      await ledger.settle(after.epoch);
      const { standing } = await ledger.observe();
      expect(standing).toMatchObject({
        settled: true,
        boundMs: outlivesMs({ leaseMs: 2000, serveStaleMs: 1000 }),
      });
    });

    it('that an operator began is not settled, and gives no lease before a replica has opened it', async () => {
      await ledger.open(TERMS);
      const incarnation = await registered();
      await admin.query('update keys.fence_head set epoch_counter = epoch_counter + 1');
      expect((await ledger.observe()).standing).toMatchObject({ settled: false, isOpen: false });
      await expect(registered()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
      await expect(ledger.renew(incarnation, 0)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
      await expect(append(change('key-1'))).resolves.toMatchObject({ standing: { settled: false } });
      await expect(ledger.open(TERMS)).resolves.toMatchObject({ settled: false, isOpen: true });
      await expect(ledger.renew(incarnation, 0)).resolves.toMatchObject({ isKnown: false });
    });
  });
});

describe('a large fence log', () => {
  it('is read page by page by its index, before PostgreSQL has counted it; the policy it had was not', async () => {
    const test = await createKeysDatabase();
    const migrations = [
      CreateEventStore1763800000000,
      CreateKeyReadModel1763800100000,
      CreateFence1763800200000,
      ReadFenceLogByIndex1764400000000,
    ];
    const database = new PostgresDatabase(
      { ...test.urls, schema: 'keys', migrations, connectionsMax: 2 },
      logger,
    );
    const admin = new pg.Client({ connectionString: test.adminUrl });
    try {
      await Promise.all([database.ready, admin.connect()]);
      await admin.query(
        `insert into keys.fence_log (seq, kind, subject, floor_version, terminal, profile)
         select n, 'KEY', 'key-' || n, 2, true, 'default' from generate_series(1, 200000) n`,
      );
      const planned = () =>
        database.inTransaction('*', async (transaction) => {
          const plans: string[] = [];
          const explaining = {
            query: async (sql: string, parameters: unknown[]) => {
              plans.push(JSON.stringify(await transaction.query(`explain ${sql}`, parameters)));
              return [];
            },
          };
          await selectEntries(explaining as unknown as Transaction, 1000, GRANT_ENTRIES_MAX);
          return plans.join();
        });
      expect(await planned()).toMatch(/Index Scan/);
      expect(await planned()).not.toMatch(/Sort|Seq Scan/);
      await new ReadFenceLogByIndex1764400000000().down(admin as unknown as QueryRunner);
      expect(await planned()).toMatch(/Sort/);
    } finally {
      await admin.end();
      await database.close();
      await test.drop();
    }
  });
});

describe('the migration to a fence log', () => {
  it('writes an entry for all that was changed before, so that no older record of it is used', async () => {
    const test = await createKeysDatabase();
    const connect = (migrations: (new () => never)[]) =>
      new PostgresDatabase({ ...test.urls, schema: 'keys', migrations, connectionsMax: 2 }, logger);
    const before = [CreateEventStore1763800000000, CreateKeyReadModel1763800100000] as never[];
    const old = connect(before);
    await old.ready;
    await old.close();
    const admin = new pg.Client({ connectionString: test.adminUrl });
    await admin.connect();
    await admin.query(`
      insert into keys.tenants (tenant_id, max_active_keys, version, state)
        values ('acme', 5, 1, '{}'), ('hidden', 5, 3, '{}');
      insert into keys.keys (key_id, tenant_id, environment, created_at, counted, version, state)
        values ('new', 'acme', 'live', now(), true, 1, '{"status":"active"}'),
               ('changed', 'acme', 'live', now(), true, 4, '{"status":"active"}'),
               ('revoked', 'acme', 'live', now(), false, 2, '{"status":"revoked"}')`);
    await admin.end();
    const database = connect([...before, CreateFence1763800200000 as never]);
    await database.ready;
    try {
      const ledger = new PostgresFenceLedger(database);
      const { entries } = await ledger.entriesAfter(0, 100);
      expect(entries).toMatchObject([
        { seq: 1, kind: 'KEY', subject: 'key-changed', floorVersion: 4, terminal: false },
        { seq: 2, kind: 'KEY', subject: 'key-revoked', floorVersion: 2, terminal: true },
        { seq: 3, kind: 'TENANT', subject: 'tenant-hidden', floorVersion: 3, terminal: false },
      ]);
      expect((await ledger.observe()).standing.head).toBe(3);
    } finally {
      await database.close();
      await test.drop();
    }
  });
});
