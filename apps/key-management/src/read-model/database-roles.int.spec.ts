import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import pg from 'pg';
import { bootstrapDatabase } from '#libs/service-kit/postgres-bootstrap';
import type { RunningService } from '#libs/service-kit/serve';
import {
  ask,
  createKeysDatabase,
  keyBody,
  type KeysDatabase,
  registerTenant,
  serveKeyManagement,
} from '../served-key-management.contract.js';

jest.setTimeout(60_000);

describe('the role that key-management runs as', () => {
  let database: KeysDatabase;
  let service: RunningService;
  let admin: pg.Client;
  let tenantId: string;
  let otherTenantId: string;

  beforeAll(async () => {
    database = await createKeysDatabase();
    const usage = { owner: 'latchkey_usage_owner', runtime: 'latchkey_usage' };
    await bootstrapDatabase(database.adminUrl, { usage });
    service = await serveKeyManagement(database);
    admin = new pg.Client({ connectionString: database.adminUrl });
    await admin.connect();
    await admin.query(
      'create table usage.counters (id int); alter table usage.counters owner to latchkey_usage_owner',
    );
    [tenantId, otherTenantId] = [await registerTenant(service), await registerTenant(service)];
    for (const id of [tenantId, otherTenantId]) {
      const { status } = await ask(service, 'POST', `/v1/tenants/${id}/keys`, { body: keyBody() });
      expect(status).toBe(201);
    }
  });

  afterAll(async () => {
    await service.close();
    await admin.end();
    await database.drop();
  });

  async function as<T>(
    url: string,
    scope: string | null,
    work: (client: pg.Client) => Promise<T>,
  ): Promise<T> {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      await client.query('begin');
      if (scope !== null) await client.query(`select set_config('latchkey.tenant_id', $1, true)`, [scope]);
      return await work(client);
    } finally {
      await client.end();
    }
  }

  const runtime = <T>(scope: string | null, work: (client: pg.Client) => Promise<T>) =>
    as(database.urls.runtimeUrl, scope, work);

  it('is neither superuser nor above row-level security, makes nothing and owns nothing', async () => {
    const { rows } = await admin.query(
      `select rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication,
         (select count(*)::int from pg_class where relowner = role.oid) as owned,
         (select count(*)::int from pg_auth_members where member = role.oid) as memberships
       from pg_roles role where rolname = 'latchkey_keys'`,
    );
    expect(rows).toEqual([
      {
        rolsuper: false,
        rolbypassrls: false,
        rolcreaterole: false,
        rolcreatedb: false,
        rolreplication: false,
        owned: 0,
        memberships: 0,
      },
    ]);
  });

  it('is what the service is connected as, once it has migrated', async () => {
    const { rows } = await admin.query(
      `select distinct usename from pg_stat_activity where datname = current_database() and usename like 'latchkey%'`,
    );
    expect(rows).toEqual([{ usename: 'latchkey_keys' }]);
  });

  it('meets row-level security on every table with a tenant', async () => {
    const { rows } = await admin.query(
      `select relname from pg_class where relnamespace = 'keys'::regnamespace and relkind = 'r' and not relrowsecurity
       order by relname`,
    );
    expect(rows.map(({ relname }) => relname)).toEqual([
      'fence_epochs',
      'fence_head',
      'migrations',
      'relay_checkpoint',
      'verifier_lease',
    ]);
  });

  it.each(['events', 'tenants', 'keys', 'secrets'])(
    'sees of keys.%s the rows of one tenant, or none',
    async (table) => {
      const seen = (client: pg.Client) =>
        client
          .query(`select distinct tenant_id from keys.${table}`)
          .then(({ rows }) => rows.map(({ tenant_id }) => tenant_id as string));
      expect(await runtime(null, seen)).toEqual([]);
      expect(await runtime('nobody', seen)).toEqual([]);
      expect(await runtime(tenantId, seen)).toEqual([tenantId]);
      expect(await runtime('*', seen)).toEqual(expect.arrayContaining([tenantId, otherTenantId]));
    },
  );

  it.each(['tenants', 'keys'])('changes of keys.%s the rows of one tenant alone', async (table) => {
    const { rowCount } = await runtime(tenantId, (client) =>
      client.query(`update keys.${table} set version = version`),
    );
    expect(rowCount).toBe(1);
    const steal = `update keys.${table} set tenant_id = 'stolen' where tenant_id = '${tenantId}'`;
    await expect(runtime(tenantId, (client) => client.query(steal))).rejects.toMatchObject({ code: '42501' });
  });

  it.each([
    'update keys.events set data = data',
    'delete from keys.events',
    'update keys.secrets set digest = digest',
    'delete from keys.secrets',
    'delete from keys.keys',
    'delete from keys.tenants',
    'truncate keys.keys',
    'select * from keys.migrations',
    'alter table keys.keys disable row level security',
    'create table keys.mine (id int)',
    'create schema mine',
    'create role mine',
    'set role latchkey_keys_owner',
    'select * from usage.counters',
    `select pg_read_file('/etc/passwd')`,
  ])('may not: %s', async (sql) => {
    await expect(runtime('*', (client) => client.query(sql))).rejects.toMatchObject({ code: '42501' });
  });

  it("is another than the other services', which do not reach its schema", async () => {
    const url = database.urls.runtimeUrl.replaceAll('latchkey_keys', 'latchkey_usage');
    for (const table of ['events', 'keys', 'secrets', 'tenants', 'idempotency']) {
      const read = as(url, '*', (client) => client.query(`select 1 from keys.${table}`));
      await expect(read).rejects.toMatchObject({ code: '42501' });
    }
  });
});
