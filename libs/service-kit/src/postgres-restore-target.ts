import type pg from 'pg';
import { type Manifest, nameOf, OperationRefused } from './backup-manifest.js';
import type { DatabaseSchema } from './database-roles.js';
import { executedMigrations, quoted, schemasOf, tablesOf } from './postgres-admin.js';

/**
 * Throws {@link OperationRefused} unless the database has the schemas of the backup, nobody of Latchkey is connected, no
 * table has a row but those that a migration puts there, and no migration ran that the backup lacks.
 */
export async function refuseUnlessFree(
  client: pg.Client,
  { schemas }: Manifest,
  howToEmpty: string,
): Promise<void> {
  const present = await schemasOf(client);
  const missing = schemas.map(({ schema }) => schema).filter((schema) => !present.includes(schema));
  if (missing.length > 0) throw new OperationRefused(whyMissing(client, missing));
  await refuseConnected(client);
  await refuseRows(client, present, howToEmpty);
  for (const { schema, migrations } of schemas) {
    const further = (await executedMigrations(client, schema)).filter((name) => !migrations.includes(name));
    if (further.length > 0) {
      throw new OperationRefused(
        `the schema ${schema} was migrated further than the backup (${further.join(', ')}): ${howToEmpty}`,
      );
    }
  }
}

function whyMissing({ database }: pg.Client, missing: readonly DatabaseSchema[]): string {
  if (missing.includes('log')) {
    return (
      `this is a backup of "npm start", and ${database} has no schema log, because a deployment's log is Kafka: ` +
      'restore it without DATABASE_ADMIN_URL'
    );
  }
  return `the database ${database} has no schema ${missing.join(' and ')}: run "npm run db:bootstrap" first`;
}

async function refuseConnected(client: pg.Client): Promise<void> {
  // Who may not see another role's application_name does see the role's name.
  const { rows } = await client.query<{ name: string; pid: number; place: string }>(
    `select coalesce(nullif(application_name, ''), usename) as name, pid, coalesce(host(client_addr), 'local') as place
     from pg_stat_activity
     where datname = current_database() and pid <> pg_backend_pid()
       and (application_name like 'latchkey %' or usename ~ '^latchkey_(keys|usage|api|log)(_owner)?$')
     order by name, pid`,
  );
  if (rows.length === 0) return;
  const sessions = new Map<string, number>();
  for (const { name, place } of rows)
    sessions.set(`"${name}" from ${place}`, (sessions.get(`"${name}" from ${place}`) ?? 0) + 1);
  const named = [...sessions].map(([who, count]) => (count === 1 ? who : `${who} (${count} sessions)`));
  throw new OperationRefused(
    `services are connected to the database ${client.database}, as ${named.join(', ')}: stop them, then restore again`,
  );
}

async function refuseRows(
  client: pg.Client,
  schemas: readonly DatabaseSchema[],
  howToEmpty: string,
): Promise<void> {
  for (const table of await tablesOf(client, schemas)) {
    if (table.isOneRow) continue;
    const { rows } = await client.query(`select 1 from ${quoted(table)} limit 1`);
    if (rows.length > 0) {
      throw new OperationRefused(
        `the database ${client.database} is not empty, ${nameOf(table)} has rows: ${howToEmpty}`,
      );
    }
  }
}
