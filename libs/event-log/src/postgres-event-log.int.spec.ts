import { randomUUID } from 'node:crypto';
import { jest } from '@jest/globals';
import { Client } from 'pg';
import { createLogger } from '#libs/service-kit';
import type { RoleUrls } from '#libs/service-kit';
import { bootstrapDatabase } from '#libs/service-kit/postgres-bootstrap';
import { PostgresDatabase } from '#libs/service-kit/postgres-database';
import { eventually } from '#libs/testing/eventually';
import { type PrivateStack, startPrivateStack } from '#libs/testing/private-stack';
import { stackUrls } from '#libs/testing/stack';
import { createTestDatabase, type TestDatabase } from '#libs/testing/test-database';
import { eventLogContract } from './event-log.contract.js';
import { eventLogOutageContract } from './event-log-outage.contract.js';
import type { LogRecord, ReceivedRecord } from './event-log.js';
import { LOG_MIGRATIONS, PostgresEventLog } from './postgres-event-log.js';

jest.setTimeout(60_000);

const logger = createLogger('event-log-test', process.env['LATCHKEY_LOG_LEVEL'] ?? 'silent');

/** Roles are the server's, so that all tests on it give them the same passwords. */
const PASSWORDS = { log: { owner: 'latchkey_log_owner', runtime: 'latchkey_log' } };

function connect(urls: RoleUrls): PostgresDatabase {
  const options = { ...urls, schema: 'log', migrations: LOG_MIGRATIONS, connectionsMax: 10 };
  return new PostgresDatabase(options, logger);
}

describe('PostgresEventLog', () => {
  let test: TestDatabase;
  let urls: RoleUrls;
  let database: PostgresDatabase;

  beforeAll(async () => {
    test = await createTestDatabase(stackUrls().databaseAdminUrl);
    urls = (await bootstrapDatabase(test.adminUrl, PASSWORDS)).log;
    database = connect(urls);
    await database.ready;
  });

  afterAll(async () => {
    await database.close();
    await test.drop();
  });

  function postgres(upkeepIntervalMs?: number): PostgresEventLog {
    return new PostgresEventLog(
      { database, url: urls.runtimeUrl, retryPauseMs: 100, upkeepIntervalMs },
      logger,
    );
  }

  eventLogContract(() => postgres());

  describe('on PostgreSQL', () => {
    const logs: PostgresEventLog[] = [];

    function open(upkeepIntervalMs?: number): PostgresEventLog {
      const log = postgres(upkeepIntervalMs);
      logs.push(log);
      return log;
    }

    afterEach(async () => {
      await Promise.all(logs.splice(0).map((log) => log.close()));
    });

    async function readAll(log: PostgresEventLog, topic: string, records: ReceivedRecord[]): Promise<void> {
      await log.subscribe({
        group: `group-${randomUUID()}`,
        topics: [topic],
        start: 'committed',
        onBatch(batch) {
          records.push(...batch.records);
          return Promise.resolve(undefined);
        },
        onError: (error) => logger.warn(error),
      });
    }

    it('leaves no gap between offsets, whoever publishes at once and whatever fails', async () => {
      const log = open();
      const topic = `dense-${randomUUID()}`;
      await log.declare([{ name: topic, partitions: 2, cleanup: 'delete' }]);
      const wrong = { key: 'nul \u0000', value: Buffer.alloc(1), headers: {} };
      const outcomes = await Promise.allSettled(
        Array.from({ length: 60 }, (_, i) => {
          const records = [text(`${i}`, 'a'), text(`${i}`, 'b'), text(`${i}`, `${i}`)];
          return log.publish(topic, i % 3 === 0 ? [...records, wrong] : records);
        }),
      );
      expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(20);
      const records: ReceivedRecord[] = [];
      const byPartition = [records, [] as ReceivedRecord[]];
      await log.subscribe({
        group: `group-${randomUUID()}`,
        topics: [topic],
        start: 'committed',
        onBatch(batch) {
          byPartition[batch.partition]?.push(...batch.records);
          return Promise.resolve(undefined);
        },
        onError: (error) => logger.warn(error),
      });
      await eventually(() => expect(byPartition.flat()).toHaveLength(120));
      for (const part of byPartition) {
        expect(part.map(({ offset }) => offset)).toEqual(part.map((_, i) => BigInt(i)));
      }
    });

    it('drops records that are older than the retention of their topic, and keeps the others', async () => {
      const log = open(50);
      const [short, long] = [`short-${randomUUID()}`, `long-${randomUUID()}`];
      await log.declare([
        { name: short, partitions: 1, cleanup: 'delete', retentionMs: 200 },
        { name: long, partitions: 1, cleanup: 'delete', retentionMs: 3_600_000 },
      ]);
      await log.publish(short, [text('old')]);
      await log.publish(long, [text('young')]);
      await eventually(async () => expect(await stored(short)).toEqual([]));
      expect(await stored(long)).toEqual(['young']);
      const records: ReceivedRecord[] = [];
      await readAll(log, short, records);
      await log.publish(short, [text('new')]);
      await eventually(() => expect(records.map(({ offset }) => offset)).toEqual([1n]));
    });

    it('keeps the last record of each key of a compacted topic', async () => {
      const log = open(50);
      const topic = `compacted-${randomUUID()}`;
      await log.declare([{ name: topic, partitions: 2, cleanup: 'compact' }]);
      const keys = Array.from({ length: 20 }, (_, i) => `key ${i}`);
      for (let version = 1; version <= 5; version += 1) {
        await log.publish(
          topic,
          keys.map((key) => text(`${key} v${version}`, key)),
        );
      }
      const last = keys.map((key) => `${key} v5`).toSorted();
      await eventually(async () => expect((await stored(topic)).toSorted()).toEqual(last));
      await log.publish(topic, [text('key 7 v6', 'key 7')]);
      await eventually(async () => expect(await stored(topic)).not.toContain('key 7 v5'));
      expect(await stored(topic)).toHaveLength(20);
    });

    it('works as a role that owns nothing', async () => {
      const owned = await query(
        `select relname from pg_class c join pg_roles r on r.oid = c.relowner where r.rolname = 'latchkey_log'`,
      );
      expect(owned).toEqual([]);
      const log = open();
      const topic = `role-${randomUUID()}`;
      await log.declare([{ name: topic, partitions: 1, cleanup: 'delete' }]);
      const records: ReceivedRecord[] = [];
      await readAll(log, topic, records);
      await log.publish(topic, [text('as the runtime role')]);
      await eventually(() => expect(records).toHaveLength(1));
      // Sessions of the administrator that have just ended may be listed a little longer.
      await eventually(async () => {
        const sessions = await query(
          `select distinct usename from pg_stat_activity
            where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()`,
        );
        expect(sessions).toEqual([{ usename: 'latchkey_log' }]);
      });
    });

    it('reads and publishes on when its connections are cut', async () => {
      const log = open();
      const topic = `cut-${randomUUID()}`;
      await log.declare([{ name: topic, partitions: 2, cleanup: 'delete' }]);
      const records: ReceivedRecord[] = [];
      await readAll(log, topic, records);
      const names = Array.from({ length: 10 }, (_, i) => `${i}`);
      for (const name of names) {
        await log.publish(topic, [text(name, 'key')]);
        await eventually(() => expect(records.map(({ value }) => value.toString())).toContain(name));
        await query(
          `select pg_terminate_backend(pid) from pg_stat_activity
            where datname = current_database() and pid <> pg_backend_pid() and application_name like 'latchkey log %'`,
        );
      }
      expect([...new Set(records.map(({ value }) => value.toString()))]).toEqual(names);
    });

    async function query(sql: string, values: unknown[] = []): Promise<unknown[]> {
      const client = new Client({ connectionString: test.adminUrl });
      await client.connect();
      try {
        return (await client.query(sql, values)).rows;
      } finally {
        await client.end();
      }
    }

    async function stored(topic: string): Promise<string[]> {
      const sql = `select convert_from(value, 'utf8') as text from log.records where topic = $1 order by "offset"`;
      return ((await query(sql, [topic])) as { text: string }[]).map((row) => row.text);
    }
  });
});

describe('PostgresEventLog whose PostgreSQL goes away', () => {
  let stack: PrivateStack;
  let urls: RoleUrls;
  const databases: PostgresDatabase[] = [];

  beforeAll(async () => {
    stack = await startPrivateStack(['postgres']);
    urls = (await bootstrapDatabase(stack.env['DATABASE_ADMIN_URL'] ?? '', PASSWORDS)).log;
    const migrating = connect(urls);
    await migrating.ready;
    await migrating.close();
  }, 120_000);

  afterAll(async () => {
    await Promise.all(databases.map((database) => database.close()));
    await stack.stop();
  });

  eventLogOutageContract(
    () => {
      const database = connect(urls);
      databases.push(database);
      return new PostgresEventLog({ database, url: urls.runtimeUrl }, logger);
    },
    () => stack.postgres,
  );
});

function text(value: string, key: string | null = null): LogRecord {
  return { key, value: Buffer.from(value), headers: {} };
}
