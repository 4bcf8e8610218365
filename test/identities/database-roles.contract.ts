import { Client, type DatabaseError } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

/** Databases of a running Latchkey in which every table that keeps tenants' data has rows. */
export interface KnownDatabase {
  adminUrl: string;
  /** URL of the runtime role by schema. */
  runtimeUrls: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

/** Tables without row-level security: they hold nothing of a tenant, or belong to the embedded log as a whole. */
const UNSCOPED = [
  'api.migrations',
  'keys.fence_epochs',
  'keys.fence_head',
  'keys.migrations',
  'keys.relay_checkpoint',
  'keys.verifier_lease',
  'log.group_offsets',
  'log.identity',
  'log.migrations',
  'log.partitions',
  'log.records',
  'log.topics',
  'usage.migrations',
];

const DENIED = '42501';

export function describeDatabaseRoles(name: string, start: () => Promise<KnownDatabase>): void {
  describe(`database roles on ${name}`, () => {
    let known: KnownDatabase;
    let admin: Client;
    const runtime: Record<string, Client> = {};
    const schemas = () => Object.keys(known.runtimeUrls);
    const roles = () => schemas().flatMap((schema) => [`latchkey_${schema}`, `latchkey_${schema}_owner`]);

    beforeAll(async () => {
      known = await start();
      admin = await connected(known.adminUrl);
      for (const [schema, url] of Object.entries(known.runtimeUrls)) runtime[schema] = await connected(url);
    }, 120_000);

    afterAll(async () => {
      await Promise.all([admin, ...Object.values(runtime)].map((client) => client?.end()));
      await known?.stop();
    }, 60_000);

    async function rows<Row>(
      client: Client | undefined,
      sql: string,
      parameters: unknown[] = [],
    ): Promise<Row[]> {
      return (await (client as Client).query(sql, parameters)).rows as Row[];
    }

    /** The SQLSTATE that a statement is refused with; undefined where it is not. Nothing of it stays. */
    async function refusal(client: Client | undefined, sql: string): Promise<string | undefined> {
      await rows(client, 'begin');
      try {
        await rows(client, sql);
        return undefined;
      } catch (error) {
        return (error as DatabaseError).code;
      } finally {
        await rows(client, 'rollback');
      }
    }

    const tables = () =>
      rows<{
        schema: string;
        name: string;
        secured: boolean;
        forced: boolean;
        of_tenants: boolean;
        owner: string;
      }>(
        admin,
        `select relnamespace::regnamespace::text as schema, relnamespace::regnamespace || '.' || relname as name,
           relrowsecurity as secured, relforcerowsecurity as forced,
           exists (select 1 from pg_attribute where attrelid = pg_class.oid and attname = 'tenant_id') as of_tenants,
           relowner::regrole::text as owner
         from pg_class where relkind in ('r', 'p', 'v', 'm')
           and relnamespace::regnamespace::text = any ($1) order by 2`,
        [schemas()],
      );

    it('have no power over the server, and no share in one another', async () => {
      const found = await rows(
        admin,
        `select rolname, rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication as mighty
         from pg_roles where rolname = any ($1) order by rolname`,
        [roles()],
      );
      expect(found).toEqual(
        roles()
          .toSorted()
          .map((rolname) => ({ rolname, mighty: false })),
      );
      const memberships = await rows(
        admin,
        `select roleid::regrole::text as role, member::regrole::text as member from pg_auth_members
         where member::regrole::text = any ($1)`,
        [roles()],
      );
      expect(memberships).toEqual([]);
    });

    it('leave every table to the owner of its schema, and nothing to who works on it', async () => {
      const found = await tables();
      expect(new Set(found.map(({ schema }) => schema))).toEqual(new Set(schemas()));
      expect(found.filter(({ schema, owner }) => owner !== `latchkey_${schema}_owner`)).toEqual([]);
      const owned = await rows(
        admin,
        `select relname from pg_class where relowner::regrole::text = any ($1)
         union all select nspname from pg_namespace where nspowner::regrole::text = any ($1)
         union all select proname from pg_proc where proowner::regrole::text = any ($1)`,
        [schemas().map((schema) => `latchkey_${schema}`)],
      );
      expect(owned).toEqual([]);
    });

    it('can neither read nor change what is in another schema', async () => {
      for (const [schema, client] of Object.entries(runtime)) {
        for (const table of await tables()) {
          if (table.schema === schema) continue;
          for (const sql of [
            `select * from ${table.name}`,
            `insert into ${table.name} default values`,
            `delete from ${table.name}`,
            `truncate ${table.name}`,
          ]) {
            expect([schema, sql, await refusal(client, sql)]).toEqual([schema, sql, DENIED]);
          }
        }
      }
    });

    it('can not change how a table is made or guarded, nor become another role', async () => {
      for (const [schema, client] of Object.entries(runtime)) {
        const statements = [
          `create table ${schema}.own (id int)`,
          'create table public.own (id int)',
          'create schema own',
          `set role latchkey_${schema}_owner`,
          'set role postgres',
          `set session authorization latchkey_${schema}_owner`,
          ...(await tables())
            .filter((table) => table.schema === schema)
            .flatMap(({ name: table }) => [
              `alter table ${table} disable row level security`,
              `drop table ${table}`,
              `truncate ${table}`,
              `create policy all_rows on ${table} using (true)`,
            ]),
        ];
        for (const sql of statements) {
          expect([schema, sql, await refusal(client, sql)]).toEqual([schema, sql, DENIED]);
        }
      }
    });

    it('are held by a policy, forced on the owner too, on every table with a tenant’s rows', async () => {
      const found = await tables();
      const open = found.filter((table) => table.of_tenants && !(table.secured && table.forced));
      expect(open.map((table) => table.name)).toEqual([]);
      expect(found.filter((table) => table.secured && !table.forced).map((table) => table.name)).toEqual([]);
      await rows(admin, 'begin');
      await rows(admin, 'alter table keys.events no force row level security');
      expect((await tables()).filter((table) => table.of_tenants && !table.forced)).toHaveLength(1);
      await rows(admin, 'rollback');
    });

    it('can not change or remove what has happened', async () => {
      for (const sql of [
        `update keys.events set data = '{}'`,
        'delete from keys.events',
        'delete from keys.keys',
        'delete from keys.secrets',
        `update keys.secrets set key_id = 'another'`,
        'delete from usage.key_activity',
      ]) {
        const client = runtime[sql.match(/(keys|usage)\./)?.[1] as string];
        expect([sql, await refusal(client, sql)]).toEqual([sql, DENIED]);
      }
    });

    it('see no row without a scope, and one tenant’s rows in its scope alone', async () => {
      const found = await tables();
      expect(found.filter(({ secured }) => !secured).map((table) => table.name)).toEqual(
        UNSCOPED.filter((table) => schemas().includes(table.split('.')[0] as string)),
      );
      for (const { schema, name: table, secured } of found) {
        if (!secured) continue;
        const client = runtime[schema];
        const countIn = async (scope: string | undefined) => {
          await rows(client, 'begin');
          if (scope !== undefined)
            await rows(client, `select set_config('latchkey.tenant_id', $1, true)`, [scope]);
          const [row] = await rows<{ count: number }>(client, `select count(*)::int as count from ${table}`);
          await rows(client, 'rollback');
          return row?.count;
        };
        const [real] = await rows<{ count: number }>(admin, `select count(*)::int as count from ${table}`);
        const nobody = [await countIn(undefined), await countIn(''), await countIn('nobody')];
        expect([table, ...nobody]).toEqual([table, 0, 0, 0]);
        // What api keeps is nobody's but the tenant's.
        expect([table, await countIn('*')]).toEqual([table, schema === 'api' ? 0 : real?.count]);
      }
      // The figures above say something only of tables that have rows.
      for (const table of [
        'keys.events',
        'keys.keys',
        'keys.tenants',
        'keys.secrets',
        'usage.request_counts',
      ]) {
        const [real] = await rows<{ count: number }>(admin, `select count(*)::int as count from ${table}`);
        expect([table, real?.count]).not.toEqual([table, 0]);
      }
    });

    it('can not write a row of another tenant in the scope of one', async () => {
      const writes: [schema: string, sql: string][] = [
        [
          'keys',
          `insert into keys.events (stream_id, version, tenant_id, type, schema_version, data, metadata)
           values ('key-x', 1, 'another', 'KeyCreated', 1, '{}', '{}')`,
        ],
        [
          'usage',
          `insert into usage.request_counts (tenant_id, key_id, quarter, outcome, count)
           values ('another', 'x', now(), 'VALID', 1)`,
        ],
      ];
      for (const [schema, sql] of writes) {
        const scoped = `select set_config('latchkey.tenant_id', 'one', true); ${sql}`;
        expect([schema, await refusal(runtime[schema], scoped)]).toEqual([schema, DENIED]);
        expect([schema, await refusal(runtime[schema], scoped.replace(`'one'`, `'another'`))]).toEqual([
          schema,
          undefined,
        ]);
      }
    });
  });
}

async function connected(url: string): Promise<Client> {
  const client = new Client({ connectionString: url });
  await client.connect();
  return client;
}
