import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import pg from 'pg';
import { createLogger } from '#libs/service-kit';
import { bootstrapDatabase } from '#libs/service-kit/postgres-bootstrap';
import { PostgresDatabase } from '#libs/service-kit/postgres-database';
import { eventually } from '#libs/testing/eventually';
import { stackUrls } from '#libs/testing/stack';
import { createTestDatabase, type TestDatabase } from '#libs/testing/test-database';
import { appendOf, eventStoreContract, metadata, type Noted, readAll } from './event-store.contract.js';
import type { Append, EventStore, IdempotencyRecord, StoredEvent } from './event-store.js';
import { CreateEventStore1763800000000 } from './migrations/1763800000000-create-event-store.js';
import { PostgresEventStore } from './postgres-event-store.js';
import { ReadModel, type Transaction } from './read-model.js';
import { readingProblems } from './reading-problems.contract.js';

jest.setTimeout(60_000);

const logger = createLogger('event-store-test', process.env['LATCHKEY_LOG_LEVEL'] ?? 'silent');

/** Roles are the server's, so that all tests on it give them the same passwords. */
const PASSWORDS = { keys: { owner: 'latchkey_keys_owner', runtime: 'latchkey_keys' } };

/** Keeps the notes of appends. */
class Notes extends ReadModel<Noted> {
  async project(
    transaction: Transaction,
    appends: readonly Append<Noted>[],
  ): Promise<(string | undefined)[]> {
    for (const { projected } of appends) {
      if (projected.fail) await transaction.query('select 1 / 0');
      await transaction.query('insert into keys.notes (note) values ($1)', [projected.note]);
    }
    return appends.map(({ projected }) => projected.refuse);
  }
}

describe('PostgresEventStore', () => {
  let test: TestDatabase;
  let runtimeUrl: string;
  let database: PostgresDatabase;
  let admin: pg.Client;
  const others: PostgresDatabase[] = [];

  function connect(): PostgresDatabase {
    const urls = { runtimeUrl, migrationUrl: runtimeUrl.replaceAll('latchkey_keys', 'latchkey_keys_owner') };
    const migrations = [CreateEventStore1763800000000];
    return new PostgresDatabase({ ...urls, schema: 'keys', migrations, connectionsMax: 10 }, logger);
  }

  beforeAll(async () => {
    test = await createTestDatabase(stackUrls().databaseAdminUrl);
    ({ runtimeUrl } = (await bootstrapDatabase(test.adminUrl, PASSWORDS)).keys);
    database = connect();
    await database.ready;
    admin = new pg.Client({ connectionString: test.adminUrl });
    await admin.connect();
    await admin.query('create table keys.notes (note text)');
    await admin.query('grant select, insert on keys.notes to latchkey_keys');
    // Some time between taking positions and committing them: a writer without the lock would be overtaken there.
    await admin.query(`
      create function keys.dawdle() returns trigger language plpgsql
        as 'begin perform pg_sleep(random() * 0.02); return null; end';
      create trigger dawdle after insert on keys.events execute function keys.dawdle()`);
  });

  afterAll(async () => {
    await Promise.all(others.map((other) => other.close()));
    await database.close();
    await admin.end();
    await test.drop();
  });

  const open = () => new PostgresEventStore<Noted>(database, new Notes());

  async function age({ scope, key }: IdempotencyRecord, hours: number): Promise<void> {
    await admin.query(
      `update keys.idempotency set recorded_at = now() - make_interval(secs => $3) where scope = $1 and key = $2`,
      [scope, key, hours * 3600],
    );
  }

  eventStoreContract(() => ({
    open,
    notes: async () => (await admin.query('select note from keys.notes')).rows.map(({ note }) => note),
    age,
  }));

  describe('when transactions overlap', () => {
    /** A writer of another process in the middle of its transaction: it has its position and is not committed. */
    async function halfway(streamId: string, { locked }: { locked: boolean }): Promise<pg.Client> {
      const writer = new pg.Client({ connectionString: test.adminUrl });
      await writer.connect();
      await writer.query('begin');
      if (locked) await writer.query(`select pg_advisory_xact_lock(hashtext('latchkey append'))`);
      await writer.query(
        `insert into keys.events (stream_id, tenant_id, version, type, schema_version, data, metadata)
         values ($1, 'acme', 1, 'Happened', 1, '{}', $2)`,
        [streamId, metadata],
      );
      return writer;
    }

    /** What a follower sees that looks while the writer is halfway, and again when it has committed. */
    async function follow(locked: boolean): Promise<{ followed: StoredEvent[]; stored: StoredEvent[] }> {
      const store = open();
      const before = await readAll(store);
      const from = before[before.length - 1]?.position ?? 0;
      const writer = await halfway(`early-${randomUUID()}`, { locked });
      const appended = store.append(appendOf(`late-${randomUUID()}`, 0));
      if (locked) await eventually(expectAppendToWait);
      else await appended;
      const first = await readAll(store, from);
      await writer.query('commit');
      await writer.end();
      await appended;
      const second = await readAll(store, first[first.length - 1]?.position ?? from);
      return { followed: [...first, ...second], stored: await readAll(store, from) };
    }

    async function expectAppendToWait(): Promise<void> {
      const { rows } = await admin.query(
        `select 1 from pg_locks join pg_stat_activity using (pid)
         where locktype = 'advisory' and not granted and usename = 'latchkey_keys' and datname = current_database()`,
      );
      expect(rows).toHaveLength(1);
    }

    it('lets no event appear below one that was seen: an append waits for the one before it', async () => {
      const { followed, stored } = await follow(true);
      expect(stored).toHaveLength(2);
      expect(readingProblems(followed, stored)).toEqual([]);
    });

    it('would lose the earlier event if positions were taken without the lock', async () => {
      const { followed, stored } = await follow(false);
      const lost = stored[0] as StoredEvent;
      expect(readingProblems(followed, stored)).toEqual([`${lost.streamId} 1 seen 0 times`]);
    });
  });

  it('follows on where a store that died in its transaction left off', async () => {
    const stream = `stream-${randomUUID()}`;
    const other = connect();
    others.push(other);
    await other.ready;
    const dying = new PostgresEventStore<Noted>(other, new Notes());
    const blocker = new pg.Client({ connectionString: test.adminUrl });
    await blocker.connect();
    await blocker.query(`select pg_advisory_lock(hashtext('latchkey append'))`);
    const append = dying.append(appendOf(stream, 0));
    const pid = await eventually(async () => {
      const { rows } = await admin.query(
        `select pid from pg_locks where locktype = 'advisory' and not granted
           and database = (select oid from pg_database where datname = current_database())`,
      );
      expect(rows).toHaveLength(1);
      return rows[0].pid as number;
    });
    await admin.query('select pg_terminate_backend($1)', [pid]);
    await expect(append).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await blocker.end();
    await expect(open().append(appendOf(stream, 0))).resolves.toEqual({ status: 'appended', version: 1 });
    await expect(dying.append(appendOf(stream, 1))).resolves.toEqual({ status: 'appended', version: 2 });
  });

  it('announces a commit to who listens', async () => {
    const listener = new pg.Client({ connectionString: runtimeUrl });
    await listener.connect();
    await listener.query('listen latchkey_events');
    const announced = new Promise((resolve) => listener.once('notification', resolve));
    await open().append(appendOf(`stream-${randomUUID()}`, 0));
    await expect(announced).resolves.toMatchObject({ channel: 'latchkey_events' });
    await listener.end();
  });

  it('forgets idempotency records past their 24 hours, a limited number at a time', async () => {
    const store = open();
    const record = (key: string) => ({ scope: 'old', key, requestHash: 'h', outcome: {} });
    for (const key of ['1', '2', '3', 'young']) await store.keepIdempotencyRecord(record(key));
    await age(record('1'), 25);
    await age(record('2'), 25);
    await age(record('3'), 24.1);
    await expect(store.forgetIdempotencyRecords(2)).resolves.toBe(2);
    await expect(store.forgetIdempotencyRecords(2)).resolves.toBe(1);
    await expect(store.forgetIdempotencyRecords(2)).resolves.toBe(0);
    const { rows } = await admin.query(`select key from keys.idempotency where scope = 'old'`);
    expect(rows).toEqual([{ key: 'young' }]);
  });

  describe('as the runtime role', () => {
    async function asRuntime<T>(scope: string | null, work: (client: pg.Client) => Promise<T>): Promise<T> {
      const client = new pg.Client({ connectionString: runtimeUrl });
      await client.connect();
      try {
        await client.query('begin');
        if (scope !== null) await client.query(`select set_config('latchkey.tenant_id', $1, true)`, [scope]);
        return await work(client);
      } finally {
        await client.end();
      }
    }

    it.each([
      `update keys.events set data = '{}'`,
      'delete from keys.events',
      'truncate keys.events',
      'drop table keys.events',
      'alter table keys.events disable row level security',
      'create table keys.mine (id int)',
    ])('may not: %s', async (sql) => {
      await expect(asRuntime('*', (client) => client.query(sql))).rejects.toMatchObject({ code: '42501' });
    });

    it('sees the events of the tenant it works for, and without a tenant none', async () => {
      const store: EventStore<Noted> = open();
      await store.append(appendOf(`stream-${randomUUID()}`, 0, { tenantId: 'globex' }));
      await store.keepIdempotencyRecord({ scope: 'globex', key: 'k', requestHash: 'h', outcome: {} });
      const tenantsSeen = (client: pg.Client) =>
        client.query('select distinct tenant_id from keys.events').then(({ rows }) => rows);
      const recordsSeen = (client: pg.Client) =>
        client.query('select 1 from keys.idempotency').then(({ rows }) => rows.length > 0);
      await expect(asRuntime(null, tenantsSeen)).resolves.toEqual([]);
      await expect(asRuntime('', tenantsSeen)).resolves.toEqual([]);
      await expect(asRuntime('globex', tenantsSeen)).resolves.toEqual([{ tenant_id: 'globex' }]);
      await expect(asRuntime('*', tenantsSeen)).resolves.toHaveLength(2);
      await expect(asRuntime('globex', recordsSeen)).resolves.toBe(false);
      await expect(asRuntime('*', recordsSeen)).resolves.toBe(true);
    });

    it('may not write events of another tenant than it works for', async () => {
      const insert = `insert into keys.events (stream_id, tenant_id, version, type, schema_version, data, metadata)
                      values ('s', 'globex', 1, 'T', 1, '{}', '{}')`;
      await expect(asRuntime('acme', (client) => client.query(insert))).rejects.toMatchObject({
        code: '42501',
      });
    });
  });
});
