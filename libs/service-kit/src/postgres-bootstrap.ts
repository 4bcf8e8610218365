import pg from 'pg';
import type { DatabaseSchema, RolePasswords, RoleUrls } from './database-roles.js';

/**
 * Makes, for each schema given, the schema, the role `latchkey_<schema>_owner` that owns it and the runtime role
 * `latchkey_<schema>`, and sets their passwords. Safe to repeat and to run from several places at once.
 */
export async function bootstrapDatabase<Schema extends DatabaseSchema>(
  adminUrl: string,
  passwords: Record<Schema, RolePasswords>,
): Promise<Record<Schema, RoleUrls>> {
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  try {
    const urls: Partial<Record<Schema, RoleUrls>> = {};
    for (const schema of Object.keys(passwords) as Schema[]) {
      const pair = passwords[schema];
      const runtime = `latchkey_${schema}`;
      const owner = `${runtime}_owner`;
      await ensureRole(client, owner, pair.owner);
      await ensureRole(client, runtime, pair.runtime);
      await inTransaction(client, async () => {
        // A superuser needs no membership; an administrator of a managed database does, to hand the schema over.
        await client.query(`grant ${owner} to current_user`);
        await client.query(`create schema if not exists ${schema} authorization ${owner}`);
        await client.query(`grant usage on schema ${schema} to ${runtime}`);
      });
      urls[schema] = {
        migrationUrl: urlFor(adminUrl, owner, pair.owner),
        runtimeUrl: urlFor(adminUrl, runtime, pair.runtime),
      };
    }
    return urls as Record<Schema, RoleUrls>;
  } finally {
    await client.end();
  }
}

async function ensureRole(client: pg.Client, role: string, password: string): Promise<void> {
  const attributes = `login nosuperuser nobypassrls nocreatedb nocreaterole password ${pg.escapeLiteral(password)}`;
  await inTransaction(client, async () => {
    const { rowCount } = await client.query('select 1 from pg_roles where rolname = $1', [role]);
    await client.query(`${rowCount === 0 ? 'create' : 'alter'} role ${role} ${attributes}`);
  });
}

/** Roles belong to the whole cluster, where no lock of one database reaches: others doing the same are met by retrying. */
async function inTransaction(client: pg.Client, work: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await client.query('begin');
      await client.query(`select pg_advisory_xact_lock(hashtext('latchkey bootstrap'))`);
      await work();
      await client.query('commit');
      return;
    } catch (error) {
      await client.query('rollback');
      if (attempt === 10 || !CONCURRENT_CHANGE.has((error as pg.DatabaseError).code ?? '')) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50 * attempt));
    }
  }
}

/** internal_error ("tuple concurrently updated"), unique_violation, duplicate_object, duplicate_schema. */
const CONCURRENT_CHANGE = new Set(['XX000', '23505', '42710', '42P06']);

function urlFor(adminUrl: string, user: string, password: string): string {
  const url = new URL(adminUrl);
  url.username = user;
  url.password = encodeURIComponent(password);
  return url.toString();
}
