import {
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import pg from 'pg';
import { fileOf, type Manifest, manifestText, parseManifest } from '#libs/service-kit/backup-manifest';
import { quoted, tablesOf } from '#libs/service-kit/postgres-admin';
import { backUp } from '#libs/service-kit/postgres-backup';
import { verifyBackup } from '#libs/service-kit/postgres-backup-files';
import { bootstrapDatabase } from '#libs/service-kit/postgres-bootstrap';
import { restore } from '#libs/service-kit/postgres-restore';
import { stackUrls } from '#libs/testing/stack';
import { createTestDatabase, type TestDatabase } from '#libs/testing/test-database';
import { beginFenceEpoch } from '../../../key-management/src/fencing/postgres-fence-epoch.js';
import { MIGRATIONS } from '../operating/serve.js';
import { fillDatabase } from './filled-database.contract.js';

jest.setTimeout(120_000);

/** Roles are the server's, so that all tests on it give them the same passwords. */
const pair = (schema: string) => ({ owner: `latchkey_${schema}_owner`, runtime: `latchkey_${schema}` });
const PASSWORDS = { keys: pair('keys'), usage: pair('usage'), api: pair('api'), log: pair('log') };
const SCHEMAS = ['keys', 'usage', 'api', 'log'] as const;

const sandbox = mkdtempSync(join(tmpdir(), 'latchkey-backup-'));
const made: TestDatabase[] = [];
const clients: pg.Client[] = [];
let directoryNumber = 0;
const freshDirectory = () => join(sandbox, String(++directoryNumber));

/** A database with schemas and roles, as `npm run db:bootstrap` leaves it. */
async function bootstrapped(): Promise<string> {
  const database = await createTestDatabase(stackUrls().databaseAdminUrl);
  made.push(database);
  await bootstrapDatabase(database.adminUrl, PASSWORDS);
  return database.adminUrl;
}

async function connect(url: string, application_name = 'a test'): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, application_name });
  await client.connect();
  clients.push(client);
  return client;
}

/** Everything that the database holds, by table. */
async function contentOf(url: string): Promise<Record<string, unknown>> {
  const client = await connect(url);
  const content: Record<string, unknown> = {};
  for (const table of await tablesOf(client, SCHEMAS)) {
    const { rows } = await client.query(`select each::text from ${quoted(table)} as each order by 1`);
    content[quoted(table)] = rows.map((row) => row.each);
  }
  await client.end();
  return content;
}

/** Without an epoch, which is another each time. */
async function restored(url: string, directory: string): Promise<void> {
  const backup = await verifyBackup(directory);
  const options = { migrations: MIGRATIONS, howToEmpty: 'empty it', beginEpoch: () => Promise.resolve() };
  await restore({ adminUrl: url, backup, ...options });
}

/** A copy of the backup whose manifest says something else, with the right checksum. */
function withManifest(directory: string, change: (manifest: Manifest) => void): string {
  const copy = freshDirectory();
  cpSync(directory, copy, { recursive: true });
  const manifest = parseManifest(readFileSync(join(copy, 'manifest.json'), 'utf8'));
  change(manifest);
  writeFileSync(join(copy, 'manifest.json'), manifestText(manifest));
  return copy;
}

describe('a backup and its restore', () => {
  let source: string;
  let backup: string;
  let manifest: Manifest;

  beforeAll(async () => {
    source = await bootstrapped();
    await fillDatabase(source, MIGRATIONS);
    backup = freshDirectory();
    manifest = await backUp(source, backup);
  });
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.end()));
  });
  afterAll(async () => {
    await Promise.all(made.map((database) => database.drop()));
    rmSync(sandbox, { recursive: true });
  });

  it('keeps every row of every table, whatever stands in it', async () => {
    const target = await bootstrapped();
    await restored(target, backup);
    const content = await contentOf(target);
    expect(content).toEqual(await contentOf(source));
    const counts = manifest.tables.map(({ schema, table, rows }) => [quoted({ schema, table }), rows]);
    expect(Object.fromEntries(counts)).toEqual(
      Object.fromEntries(Object.entries(content).map(([name, rows]) => [name, (rows as unknown[]).length])),
    );
    expect(Math.min(...counts.map(([, rows]) => rows as number))).toBeGreaterThan(0);
  });

  it('goes on with the positions behind the last one that was given out', async () => {
    const target = await bootstrapped();
    await restored(target, backup);
    const next = async (url: string) =>
      (await (await connect(url)).query(`select nextval('keys.events_position_seq') as next`)).rows[0].next;
    expect(await next(target)).toBe(await next(source));
  });

  it('gives the tables to the owners of the schemas and shows the services their own rows alone', async () => {
    const target = await bootstrapped();
    await restored(target, backup);
    const { rows } = await (await connect(target)).query(
      `select distinct schemaname, tableowner from pg_tables where schemaname = any ($1) order by 1`,
      [SCHEMAS],
    );
    expect(rows).toEqual(
      [...SCHEMAS].sort().map((schema) => ({ schemaname: schema, tableowner: `latchkey_${schema}_owner` })),
    );
    const runtimeUrl = new URL(target);
    runtimeUrl.username = 'latchkey_keys';
    runtimeUrl.password = 'latchkey_keys';
    const runtime = await connect(runtimeUrl.href);
    expect((await runtime.query('select 1 from keys.events')).rowCount).toBe(0);
    await runtime.query(`select set_config('latchkey.tenant_id', '*', false)`);
    expect((await runtime.query('select 1 from keys.events')).rowCount).toBeGreaterThan(0);
  });

  it('is taken at one instant while services write', async () => {
    const busy = await bootstrapped();
    await fillDatabase(busy, MIGRATIONS);
    const writer = await connect(busy, 'latchkey keys');
    const difference = `(select count(*) from keys.secrets) - (select count(*) from usage.key_activity)`;
    const before = (await writer.query(`select ${difference} as difference`)).rows[0].difference;
    let ended = false;
    let written = 0;
    const writing = (async () => {
      for (; !ended; written += 1) {
        await writer.query(`begin; insert into keys.secrets values ('busy${written}', 'key', 'acme');
          insert into usage.key_activity (tenant_id, key_id) values ('acme', 'busy${written}'); commit`);
      }
    })();
    const directory = freshDirectory();
    try {
      const { tables } = await backUp(busy, directory);
      const rowsOf = (name: string) => tables.find(({ table }) => table === name)?.rows ?? Number.NaN;
      expect(rowsOf('secrets') - rowsOf('key_activity')).toBe(Number(before));
    } finally {
      ended = true;
      await writing;
    }
    expect(written).toBeGreaterThan(0);
  });

  it('can be read by its owner alone', () => {
    expect(statSync(backup).mode & 0o777).toBe(0o700);
    const names = readdirSync(backup);
    expect(names).toHaveLength(manifest.tables.length + 1);
    for (const name of names) expect(statSync(join(backup, name)).mode & 0o777).toBe(0o600);
  });

  it('is written nowhere but into an empty directory, and leaves it empty when it fails', async () => {
    await expect(backUp(source, backup)).rejects.toThrow(/is not empty: name a new directory/);
    const directory = freshDirectory();
    const runtimeUrl = new URL(source);
    runtimeUrl.username = 'latchkey_keys';
    runtimeUrl.password = 'latchkey_keys';
    await expect(backUp(runtimeUrl.href, directory)).rejects.toThrow(/the backup failed .*permission denied/);
    expect(readdirSync(directory)).toEqual([]);
  });

  it('runs the migrations that came after the backup on its rows', async () => {
    const old = await bootstrapped();
    const [firstOfKeys] = MIGRATIONS.keys;
    await fillDatabase(old, {
      keys: [firstOfKeys!],
      usage: MIGRATIONS.usage,
      api: MIGRATIONS.api,
      log: MIGRATIONS.log,
    });
    const directory = freshDirectory();
    await backUp(old, directory);
    const target = await bootstrapped();
    await restored(target, directory);
    const { rows } = await (await connect(target)).query(
      `select (select count(*)::int from keys.events) as events,
         (select count(*)::int from keys.migrations) as migrations, to_regclass('keys.keys') is not null as newer`,
    );
    expect(rows).toEqual([{ events: 3, migrations: MIGRATIONS.keys.length, newer: true }]);
  });

  describe('refuses, and changes nothing,', () => {
    let target: string;
    beforeAll(async () => {
      target = await bootstrapped();
    });
    afterEach(async () => expect(await contentOf(target)).toEqual({}));

    const events = () => fileOf({ schema: 'keys', table: 'events' });
    const damaged = (damage: (file: string) => void, name = events()) => {
      const copy = freshDirectory();
      cpSync(backup, copy, { recursive: true });
      damage(join(copy, name));
      return copy;
    };

    it.each([
      [
        'a changed byte',
        (file: string) => {
          const bytes = readFileSync(file);
          bytes.writeUInt8(bytes.readUInt8(bytes.length - 9) ^ 1, bytes.length - 9);
          writeFileSync(file, bytes);
        },
        'keys.events.copy.gz of the backup is damaged',
      ],
      [
        'a file that was cut off',
        (file: string) => truncateSync(file, statSync(file).size - 1),
        'keys.events.copy.gz of the backup is damaged',
      ],
      ['a missing file', (file: string) => rmSync(file), "keys.events.copy.gz of the backup can't be read"],
    ])('%s', async (_, damage, sentence) => {
      await expect(restored(target, damaged(damage))).rejects.toThrow(sentence);
    });

    it('a directory that no backup was finished in', async () => {
      const unfinished = damaged((file) => rmSync(file), 'manifest.json');
      await expect(restored(target, unfinished)).rejects.toThrow('is no complete backup');
    });

    it('migrations that this version does not know', async () => {
      const newer = withManifest(backup, ({ schemas }) => schemas[1]?.migrations.push('Tomorrow1999'));
      await expect(restored(target, newer)).rejects.toThrow(
        'migrations this version does not know (usage.Tomorrow1999): restore with a newer version',
      );
    });

    it('while a service is connected, and names it', async () => {
      await connect(target, 'latchkey usage');
      await expect(restored(target, backup)).rejects.toThrow(
        /services are connected .* as "latchkey usage" from .*: stop them, then restore again/,
      );
    });

    it('while a role of a service is connected, whatever it calls itself', async () => {
      const ownerUrl = new URL(target);
      ownerUrl.username = 'latchkey_usage_owner';
      ownerUrl.password = 'latchkey_usage_owner';
      await connect(ownerUrl.href, '');
      await expect(restored(target, backup)).rejects.toThrow('as "latchkey_usage_owner" from');
    });
  });

  it('refuses a database with a row in it, says how to empty it, and keeps the row', async () => {
    const target = await bootstrapped();
    await fillDatabase(target, MIGRATIONS);
    const before = await contentOf(target);
    await expect(restored(target, backup)).rejects.toThrow(/is not empty, \w+\.\w+ has rows: empty it/);
    expect(await contentOf(target)).toEqual(before);
  });

  it('refuses a database without the schemas and says what makes them', async () => {
    const database = await createTestDatabase(stackUrls().databaseAdminUrl);
    made.push(database);
    const ofDeployment = withManifest(backup, (each) => {
      each.schemas = each.schemas.filter(({ schema }) => schema !== 'log');
    });
    await expect(restored(database.adminUrl, ofDeployment)).rejects.toThrow(
      'has no schema keys and usage and api: run "npm run db:bootstrap" first',
    );
    await expect(restored(database.adminUrl, backup)).rejects.toThrow('this is a backup of "npm start"');
  });

  it('loads all or nothing, and can be repeated after it failed', async () => {
    const target = await bootstrapped();
    const wrong = withManifest(backup, ({ tables }) => {
      tables.at(-1)!.rows += 1;
    });
    await expect(restored(target, wrong)).rejects.toThrow(/nothing was loaded .*: restore again/);
    const content = await contentOf(target);
    expect(content['"keys"."events"']).toEqual([]);
    await restored(target, backup);
    expect(await contentOf(target)).toEqual(await contentOf(source));
  });

  it('loads nothing where no new epoch can begin', async () => {
    const target = await bootstrapped();
    const beginEpoch = () => Promise.reject(new Error('no epoch'));
    const options = { migrations: MIGRATIONS, howToEmpty: 'empty it', beginEpoch };
    const verified = await verifyBackup(backup);
    await expect(restore({ adminUrl: target, backup: verified, ...options })).rejects.toThrow(
      'the restore failed and nothing was loaded (no epoch)',
    );
    expect((await contentOf(target))['"keys"."events"']).toEqual([]);
  });

  it('begins an epoch that no restore of the same backup began before, and that is not settled', async () => {
    const epochs: unknown[] = [];
    for (let time = 0; time < 2; time += 1) {
      const target = await bootstrapped();
      epochs.push(
        await restore({
          adminUrl: target,
          backup: await verifyBackup(backup),
          migrations: MIGRATIONS,
          howToEmpty: 'empty it',
          beginEpoch: beginFenceEpoch,
        }),
      );
      const client = await connect(target);
      const { rows } = await client.query(
        `select epoch, keys.fence_epoch(epoch_counter) as current, settled from keys.fence_epochs, keys.fence_head
         where epoch = keys.fence_epoch(epoch_counter)`,
      );
      expect(rows).toEqual([{ epoch: epochs[time], current: epochs[time], settled: false }]);
    }
    expect(new Set(epochs).size).toBe(2);
  });

  it('names the server that lets nobody in', async () => {
    const url = new URL(source);
    url.password = 'wrong';
    await expect(backUp(url.href, freshDirectory())).rejects.toThrow(/lets nobody in .*DATABASE_ADMIN_URL/);
  });
});
