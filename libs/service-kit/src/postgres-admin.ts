import pg from 'pg';
import { type TableName, nameOf, OperationRefused } from './backup-manifest.js';
import type { DatabaseSchema } from './database-roles.js';

const SCHEMAS: readonly DatabaseSchema[] = ['keys', 'usage', 'api', 'log'];
const CONNECT_TIMEOUT_MS = 10_000;

/**
 * A session of an operator's command, closed when `work` ends. `name` has no `latchkey ` in front, by which services
 * are known. Rows that row-level security would hide are an error in it.
 */
export async function asAdmin<T>(
  adminUrl: string,
  name: string,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({
    connectionString: adminUrl,
    application_name: name,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  });
  // What breaks the connection rejects the statement that runs.
  client.on('error', () => undefined);
  try {
    await client.connect();
  } catch (error) {
    const { host, port, database } = client;
    throw new OperationRefused(
      `PostgreSQL at ${host}:${port}/${database} lets nobody in (${reasonOf(error)}): ` +
        'check that it runs, and DATABASE_ADMIN_URL',
      { cause: error },
    );
  }
  try {
    await client.query('set row_security = off');
    return await work(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Those of Latchkey that are there. */
export async function schemasOf(client: pg.ClientBase): Promise<DatabaseSchema[]> {
  const { rows } = await client.query<{ nspname: DatabaseSchema }>(
    'select nspname from pg_namespace where nspname = any ($1)',
    [SCHEMAS],
  );
  const found = new Set(rows.map(({ nspname }) => nspname));
  return SCHEMAS.filter((schema) => found.has(schema));
}

/** All but the list of migrations itself. `isOneRow`: its primary key is a boolean, so that it has a row from its migration on. */
export async function tablesOf(
  client: pg.ClientBase,
  schemas: readonly DatabaseSchema[],
): Promise<(TableName & { isOneRow: boolean })[]> {
  const { rows } = await client.query<TableName & { isOneRow: boolean }>(
    `select nspname as schema, relname as table, exists (
       select 1 from pg_index join pg_attribute on attrelid = indrelid and attnum = indkey[0]
       where indrelid = pg_class.oid and indisprimary and indnatts = 1 and atttypid = 'boolean'::regtype
     ) as "isOneRow"
     from pg_class join pg_namespace on pg_namespace.oid = relnamespace
     where nspname = any ($1) and relkind = 'r' and relname <> 'migrations' order by nspname, relname`,
    [schemas],
  );
  return rows;
}

/** Names of those that were executed, in their order; none where the schema was never migrated. */
export async function executedMigrations(client: pg.ClientBase, schema: DatabaseSchema): Promise<string[]> {
  const name = nameOf({ schema, table: 'migrations' });
  const { rows: found } = await client.query('select 1 where to_regclass($1) is not null', [name]);
  if (found.length === 0) return [];
  const { rows } = await client.query<{ name: string }>(`select name from ${name} order by id`);
  return rows.map((row) => row.name);
}

/** As it stands in a statement. */
export function quoted({ schema, table }: TableName): string {
  return `${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(table)}`;
}

/** In one line; a refused connection to several addresses says why in its parts alone. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join(', ');
  return error instanceof Error ? error.message : String(error);
}
