import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { chmod, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import pg from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import {
  fileOf,
  type Manifest,
  MANIFEST_FILE,
  manifestText,
  nameOf,
  OperationRefused,
  parseManifest,
  referredFirst,
  type SequenceBackup,
  type TableBackup,
  type TableName,
} from './backup-manifest.js';
import type { DatabaseSchema } from './database-roles.js';
import { asAdmin, executedMigrations, quoted, reasonOf, schemasOf, tablesOf } from './postgres-admin.js';

/**
 * Writes all tables of Latchkey's schemas, as they are at one instant, into `directory`: made if absent, refused unless
 * empty, and left empty when it fails. Services may go on meanwhile; migrations wait. Needs a role that may read them.
 */
export async function backUp(adminUrl: string, directory: string): Promise<Manifest> {
  await prepare(directory);
  try {
    const text = await asAdmin(adminUrl, 'latchkey-backup', (client) => copyAll(client, directory));
    await writeDurably(directory, text);
    return parseManifest(text);
  } catch (error) {
    for (const name of await readdir(directory)) await rm(join(directory, name), { force: true });
    if (error instanceof OperationRefused) throw error;
    throw new OperationRefused(`the backup failed and ${directory} was emptied: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}

async function prepare(directory: string): Promise<void> {
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    if ((await readdir(directory)).length === 0) return await chmod(directory, 0o700);
  } catch (error) {
    throw new OperationRefused(`cannot write to ${directory} (${reasonOf(error)}): name another directory`, {
      cause: error,
    });
  }
  throw new OperationRefused(`${directory} is not empty: name a new directory for the backup`);
}

async function copyAll(client: pg.Client, directory: string): Promise<string> {
  const schemas = await schemasOf(client);
  const present = await tablesOf(client, schemas);
  if (present.length === 0) {
    throw new OperationRefused(
      `the database ${client.database} holds nothing of Latchkey: check DATABASE_ADMIN_URL`,
    );
  }
  await client.query('begin isolation level repeatable read read only');
  // Before the snapshot: a table that is altered after the snapshot could look empty in it.
  await client.query(`lock table ${present.map(quoted).join(', ')} in access share mode`);
  const { rows } = await client.query<{ takenAt: Date; serverVersion: string }>(
    `select clock_timestamp() as "takenAt", current_setting('server_version') as "serverVersion"`,
  );
  const { takenAt, serverVersion } = rows[0]!;
  const tables: TableBackup[] = [];
  for (const table of referredFirst(await tablesOf(client, schemas), await referencesOf(client, schemas)))
    tables.push(await copyTable(client, table, directory));
  const manifest = {
    takenAt: takenAt.toISOString(),
    serverVersion,
    schemas: [] as Manifest['schemas'],
    tables,
    sequences: await sequencesOf(client, schemas),
  };
  for (const schema of schemas)
    manifest.schemas.push({ schema, migrations: await executedMigrations(client, schema) });
  await client.query('commit');
  return manifestText(manifest);
}

async function copyTable(
  client: pg.Client,
  { schema, table }: TableName,
  directory: string,
): Promise<TableBackup> {
  const { rows } = await client.query<{ attname: string }>(
    `select attname from pg_attribute
     where attrelid = $1::regclass and attnum > 0 and not attisdropped and attgenerated = '' order by attnum`,
    [quoted({ schema, table })],
  );
  const columns = rows.map(({ attname }) => attname);
  const list = columns.map((column) => pg.escapeIdentifier(column)).join(', ');
  const source = client.query(copyTo(`copy ${quoted({ schema, table })} (${list}) to stdout`));
  const hash = createHash('sha256');
  await pipeline(
    source,
    createGzip(),
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        hash.update(chunk);
        yield chunk;
      }
    },
    createWriteStream(join(directory, fileOf({ schema, table })), { flags: 'wx', mode: 0o600, flush: true }),
  );
  return { schema, table, columns, rows: source.rowCount, sha256: hash.digest('hex') };
}

/** From a table's name to the names of those that its foreign keys refer to. */
async function referencesOf(
  client: pg.ClientBase,
  schemas: readonly DatabaseSchema[],
): Promise<Map<string, string[]>> {
  const { rows } = await client.query<{ from: TableName; to: TableName[] }>(
    `select json_build_object('schema', ns.nspname, 'table', own.relname) as "from",
       json_agg(json_build_object('schema', other_ns.nspname, 'table', other.relname)) as "to"
     from pg_constraint
       join pg_class own on own.oid = conrelid join pg_namespace ns on ns.oid = own.relnamespace
       join pg_class other on other.oid = confrelid join pg_namespace other_ns on other_ns.oid = other.relnamespace
     where contype = 'f' and ns.nspname = any ($1) group by ns.nspname, own.relname`,
    [schemas],
  );
  return new Map(rows.map(({ from, to }) => [nameOf(from), to.map(nameOf)]));
}

/** All but that of the list of migrations, which a restore writes by migrating. */
async function sequencesOf(
  client: pg.ClientBase,
  schemas: readonly DatabaseSchema[],
): Promise<SequenceBackup[]> {
  const { rows } = await client.query<{ schema: DatabaseSchema; sequence: string }>(
    `select schemaname as schema, sequencename as sequence from pg_sequences
     where schemaname = any ($1) and sequencename <> 'migrations_id_seq' order by 1, 2`,
    [schemas],
  );
  const sequences: SequenceBackup[] = [];
  for (const { schema, sequence } of rows) {
    const { rows: state } = await client.query<Pick<SequenceBackup, 'lastValue' | 'isCalled'>>(
      `select last_value::text as "lastValue", is_called as "isCalled" from ${quoted({ schema, table: sequence })}`,
    );
    sequences.push({ schema, sequence, ...state[0]! });
  }
  return sequences;
}

/** Under its name it is complete and on the disk, and so is all that it names. */
async function writeDurably(directory: string, text: string): Promise<void> {
  const draft = join(directory, `${MANIFEST_FILE}.draft`);
  const file = await open(draft, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, join(directory, MANIFEST_FILE));
  const folder = await open(directory);
  await folder.sync().finally(() => folder.close());
}
