import pg from 'pg';
import { createLogger } from '#libs/service-kit';
import { PostgresDatabase } from '#libs/service-kit/postgres-database';
import type { KnownMigrations } from '#libs/service-kit/postgres-restore';

const SCHEMAS = ['keys', 'usage', 'api', 'log'] as const;
/** What COPY has to escape, what is cut off easily, and what is no text at all. */
const TEXTS = ['tab\there', 'line\nbreak\r', 'back\\slash \\. \\N', '', 'naïve 🔑 "quoted" \u2028'];

/** Migrates a bootstrapped database and puts rows into each of its tables. */
export async function fillDatabase(adminUrl: string, migrations: KnownMigrations): Promise<void> {
  for (const schema of SCHEMAS) await migrate(adminUrl, schema, migrations);
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  try {
    await fillEvents(client);
    const { rows } = await client.query(`select 1 where to_regclass('keys.keys') is not null`);
    if (rows.length > 0) await fillReadModel(client);
    await fillUsage(client);
    await fillApi(client);
    await fillLog(client);
  } finally {
    await client.end();
  }
}

async function migrate(adminUrl: string, schema: (typeof SCHEMAS)[number], migrations: KnownMigrations) {
  const owner = new URL(adminUrl);
  owner.username = `latchkey_${schema}_owner`;
  owner.password = `latchkey_${schema}_owner`;
  const urls = { migrationUrl: owner.href, runtimeUrl: owner.href };
  const database = new PostgresDatabase(
    { ...urls, schema, migrations: [...migrations[schema]], connectionsMax: 2 },
    createLogger('filled-database', 'silent'),
  );
  await database.ready;
  await database.close();
}

async function fillEvents(client: pg.Client): Promise<void> {
  // A position that nobody got, as a rolled back append leaves it.
  await client.query(`select nextval('keys.events_position_seq')`);
  for (let version = 1; version <= 3; version += 1) {
    await client.query(
      `insert into keys.events (stream_id, version, tenant_id, type, schema_version, data, metadata)
       values ('key-1', $1, 'acme', 'KeyCreated', 1, $2, '{}')`,
      [version, JSON.stringify({ texts: TEXTS, big: 9007199254740991 })],
    );
  }
  await client.query(`select nextval('keys.events_position_seq')`);
  for (const text of TEXTS)
    await client.query(`insert into keys.idempotency values ('scope', $1, $1, 'null')`, [text]);
}

async function fillReadModel(client: pg.Client): Promise<void> {
  await client.query(`
    insert into keys.tenants values ('acme', 5, 1, 1, '{"status": "active"}');
    insert into keys.keys values
      ('key_1', 'acme', 'live', '2026-01-02 03:04:05.123456+00', null, true, 3, '{"status": "active"}', 'operator', ''),
      ('key_2', 'acme', 'test', 'epoch', 'infinity', false, 1, '{"status": "active"}', 'key', 'key_1');
    insert into keys.fence_log (seq, kind, subject, floor_version, terminal, profile)
      values (1, 'KEY', 'key-key_1', 3, true, 'default');
    update keys.fence_head set head = 1;
    insert into keys.fence_epochs (epoch, settled, settle_ms) values ('an earlier one', true, 0);
    insert into keys.verifier_lease (verifier_id, incarnation, profiles, serve_stale_ms)
      values ('a', '00000000-0000-4000-8000-000000000002', '{default}', 0);
    insert into keys.secrets values ('digest', 'key_1', 'acme');
    update keys.relay_checkpoint set position = 2`);
}

async function fillApi(client: pg.Client): Promise<void> {
  for (const [at, text] of TEXTS.entries()) {
    await client.query(
      `insert into api.documents
         (tenant_id, environment, collection, id, parent_id, position, body, version, words, created_at, updated_at)
       values ('acme', 'live', 'notes', $1, '', $2, $3, '2026-01-01', to_tsvector('simple', $4), 'epoch', 'epoch')`,
      [`note_${at}`, at + 1, JSON.stringify({ title: text }), text],
    );
  }
  await client.query(`
    insert into api.collection_ends values ('acme', 'live', 'notes', 9);
    insert into api.account_versions values ('acme', '2026-01-01', '2026-01-02 03:04:05.123456+00')`);
}

async function fillUsage(client: pg.Client): Promise<void> {
  await client.query(`
    insert into usage.request_counts values ('acme', 'key_1', '2026-01-02 03:15:00+00', 'VALID', 9223372036854775807);
    insert into usage.key_activity values ('acme', 'key_1', '2026-01-02 03:16:00.000001+00', null);
    insert into usage.known_keys values ('key_1', 'acme', 'epoch');
    insert into usage.reported_requests values ('acme', 'request', 'epoch', 'epoch');
    insert into usage.consumed_offsets values ('log', 'topic', 0, 12);
    insert into usage.reporters values ('00000000-0000-4000-8000-000000000001', 3, 1, 'epoch')`);
  await client.query(
    `insert into usage.parked_events (incarnation, sequence, event)
     values ('00000000-0000-4000-8000-000000000001', 5, $1)`,
    [TEXTS.join('')],
  );
}

async function fillLog(client: pg.Client): Promise<void> {
  await client.query(`
    insert into log.topics values ('topic', 1, 'compact', null);
    insert into log.partitions values ('topic', 0, 1, 0);
    insert into log.group_offsets values ('group', 'topic', 0, 1)`);
  await client.query(`insert into log.records values ('topic', 0, 0, $1, $2, '{"a":  1}', 'epoch')`, [
    TEXTS[1],
    Buffer.from([0, 10, 13, 92, 255]),
  ]);
}
