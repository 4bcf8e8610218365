import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import {
  fileOf,
  type Manifest,
  nameOf,
  OperationRefused,
  type TableBackup,
  unknownMigrations,
} from './backup-manifest.js';
import type { DatabaseSchema } from './database-roles.js';
import { asAdmin, quoted, reasonOf, tablesOf } from './postgres-admin.js';
import type { VerifiedBackup } from './postgres-backup-files.js';
import { type Migration, migrateSchema, migrationName } from './postgres-migrations.js';
import { refuseUnlessFree } from './postgres-restore-target.js';

export type KnownMigrations = Readonly<Record<DatabaseSchema, readonly Migration[]>>;

export interface RestoreOptions<Epoch> {
  /** May act as the owners of the schemas. */
  readonly adminUrl: string;
  readonly backup: VerifiedBackup;
  /** All there are, oldest first. */
  readonly migrations: KnownMigrations;
  /** What the user is told where the database is not empty: a clause. */
  readonly howToEmpty: string;
  /** Begins it in the client's transaction: that of the rows, or one after the migrations that the backup lacked. */
  readonly beginEpoch: (client: pg.ClientBase) => Promise<Epoch>;
}

/** Waiting longer for a table means that somebody came to use it. */
const LOCK_TIMEOUT = '10s';

/**
 * Makes the backup's tables by the migrations that it had, loads all rows in one transaction, then migrates on to this
 * version. Throws {@link OperationRefused} before anything is changed where the backup or the database is not fit.
 */
export async function restore<Epoch>(options: RestoreOptions<Epoch>): Promise<Epoch> {
  const { adminUrl, backup, migrations, howToEmpty } = options;
  refuseUnknown(backup, migrations);
  await asAdmin(adminUrl, 'latchkey-restore', (client) =>
    refuseUnlessFree(client, backup.manifest, howToEmpty),
  );
  const pending = await migrateToBackup(options);
  const begun = await step('nothing was loaded', 'restore again', () => load(options, pending));
  if (begun !== undefined) return begun.epoch;
  return step('all rows are loaded, but no new epoch has begun', howToEmpty, async () => {
    for (const { schema } of backup.manifest.schemas) await migrate(adminUrl, schema, migrations[schema]);
    return asAdmin(adminUrl, 'latchkey-restore', async (client) => {
      await client.query('begin');
      const epoch = await options.beginEpoch(client);
      await client.query('commit');
      return epoch;
    });
  });
}

/** Throws {@link OperationRefused} where the backup has migrations that are not among these. */
export function refuseUnknown({ manifest }: VerifiedBackup, migrations: KnownMigrations): void {
  const known = {
    keys: migrations.keys.map(migrationName),
    usage: migrations.usage.map(migrationName),
    api: migrations.api.map(migrationName),
    log: migrations.log.map(migrationName),
  };
  const unknown = unknownMigrations(manifest, known);
  if (unknown.length === 0) return;
  throw new OperationRefused(
    `the backup has migrations this version does not know (${unknown.join(', ')}): restore with a newer version`,
  );
}

/** Resolves to whether there are newer migrations, which wait for the rows. */
async function migrateToBackup({ adminUrl, backup, migrations }: RestoreOptions<unknown>): Promise<boolean> {
  let pending = false;
  for (const { schema, migrations: names } of backup.manifest.schemas) {
    const executed = migrations[schema].filter((migration) => names.includes(migrationName(migration)));
    pending ||= executed.length < migrations[schema].length;
    await step('the tables are not made', 'restore again', () => migrate(adminUrl, schema, executed));
  }
  return pending;
}

/** As the schema's owner, whose the tables are to be. */
function migrate(adminUrl: string, schema: DatabaseSchema, migrations: readonly Migration[]): Promise<void> {
  const url = new URL(adminUrl);
  const options = [url.searchParams.get('options'), `-c role=latchkey_${schema}_owner`];
  url.searchParams.set('options', options.filter((option) => option !== null).join(' '));
  const connection = {
    type: 'postgres' as const,
    url: url.href.replaceAll('+', '%20'),
    schema,
    poolSize: 2,
    applicationName: 'latchkey-restore',
    installExtensions: false,
  };
  return migrateSchema(connection, schema, migrations);
}

/** All or nothing. Undefined where migrations are pending, before which there may be no epoch to begin. */
function load<Epoch>(
  { adminUrl, backup, howToEmpty, beginEpoch }: RestoreOptions<Epoch>,
  pending: boolean,
): Promise<{ epoch: Epoch } | undefined> {
  const { manifest, directory } = backup;
  return asAdmin(adminUrl, 'latchkey-restore', async (client) => {
    await client.query('begin');
    await client.query(`set local lock_timeout = '${LOCK_TIMEOUT}'`);
    const tables = (await tablesOf(client, schemasIn(manifest))).map(quoted).join(', ');
    // Who comes now waits for the commit; who came since the first look is seen by the second.
    await client.query(`lock table ${tables} in access exclusive mode`);
    await refuseUnlessFree(client, manifest, howToEmpty);
    await client.query(`truncate ${tables}`);
    for (const table of manifest.tables) await loadTable(client, table, directory);
    for (const { schema, sequence, lastValue, isCalled } of manifest.sequences) {
      const name = quoted({ schema, table: sequence });
      await client.query('select setval($1::regclass, $2::bigint, $3)', [name, lastValue, isCalled]);
    }
    const begun = pending ? undefined : { epoch: await beginEpoch(client) };
    await client.query('commit');
    return begun;
  });
}

async function loadTable(client: pg.Client, table: TableBackup, directory: string): Promise<void> {
  const columns = table.columns.map((column) => pg.escapeIdentifier(column)).join(', ');
  const target = client.query(copyFrom(`copy ${quoted(table)} (${columns}) from stdin`));
  await pipeline(createReadStream(join(directory, fileOf(table))), createGunzip(), target);
  if (target.rowCount !== table.rows)
    throw new Error(`${nameOf(table)} got ${target.rowCount} rows of ${table.rows}`);
}

function schemasIn({ schemas }: Manifest): DatabaseSchema[] {
  return schemas.map(({ schema }) => schema);
}

/** Says how far it came and what to do where it fails for a reason that is not known. */
async function step<T>(state: string, remedy: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof OperationRefused) throw error;
    throw new OperationRefused(`the restore failed and ${state} (${reasonOf(error)}): ${remedy}`, {
      cause: error,
    });
  }
}
