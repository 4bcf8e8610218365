import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import pg from 'pg';
import type { KeyStatus } from '#libs/profiles';
import { PostgresDatabase } from '#libs/service-kit/postgres-database';
import type { KeyListPage } from '../keys/key-reads.js';
import { KEYS_MIGRATIONS } from '../serve.js';
import { createKeysDatabase, type KeysDatabase, logger } from '../served-key-management.contract.js';
import { OrderKeysByPosition1764200000000 } from './migrations/1764200000000-order-keys-by-position.js';
import { selectKeys, WALK_INDEXES } from './postgres-key-list.js';

jest.setTimeout(120_000);

async function migrate(database: KeysDatabase, migrations: typeof KEYS_MIGRATIONS): Promise<void> {
  const migrated = new PostgresDatabase(
    { ...database.urls, schema: 'keys', migrations, connectionsMax: 1 },
    logger,
  );
  await migrated.ready.finally(() => migrated.close());
}

/** Tenant acme's keys `from` to `to`, as the read model writes them; a minute apart, the last the oldest. */
const INSERT_KEYS = `
  insert into keys.keys
    (key_id, tenant_id, environment, created_at, counted, version, state, created_by_type, created_by_id)
  select 'key_' || lpad(n::text, 30, '0'), 'acme', $3, now() - n * interval '1 minute', false, 1,
         jsonb_build_object('status', $4::text), 'operator', 'operator'
  from generate_series($1::integer, $2::integer) as n`;

describe('the list of keys in PostgreSQL', () => {
  let database: KeysDatabase;
  let admin: pg.Client;

  beforeAll(async () => {
    database = await createKeysDatabase();
    await migrate(
      database,
      KEYS_MIGRATIONS.slice(0, KEYS_MIGRATIONS.indexOf(OrderKeysByPosition1764200000000)),
    );
    admin = new pg.Client({ connectionString: database.adminUrl });
    await admin.connect();
    await admin.query(
      `insert into keys.tenants (tenant_id, max_active_keys, version, state) values ('acme', 9, 1, '{}')`,
    );
    await admin.query(INSERT_KEYS, [1, 5, 'live', 'active']);
    await migrate(database, KEYS_MIGRATIONS);
  });

  afterAll(async () => {
    await admin.end();
    await database.drop();
  });

  it('keeps keys of before there were positions in the order they had, and sets later ones behind them', async () => {
    await admin.query(INSERT_KEYS, [6, 6, 'live', 'active']);
    const { rows } = await admin.query<{ n: number; created_position: string }>(
      `select right(key_id, 3)::integer as n, created_position from keys.keys order by created_position`,
    );
    expect(rows.map(({ n }) => n)).toEqual([5, 4, 3, 2, 1, 6]);
    expect(rows.map(({ created_position: position }) => position)).toEqual(['1', '2', '3', '4', '5', '6']);
  });

  describe('of a tenant with many keys that a page does not show', () => {
    beforeAll(async () => {
      await admin.query(INSERT_KEYS, [1001, 11_000, 'test', 'active']);
      await admin.query(INSERT_KEYS, [11_001, 21_000, 'live', 'revoked']);
      await admin.query(INSERT_KEYS, [21_001, 31_000, 'live', 'active']);
      await admin.query(INSERT_KEYS, [31_001, 41_000, 'live', 'revoked']);
      await admin.query(INSERT_KEYS, [41_001, 51_000, 'test', 'active']);
      await admin.query('analyze keys.keys');
    });

    interface Plan {
      'Relation Name'?: string;
      'Actual Rows': number;
      'Actual Loops': number;
      'Rows Removed by Filter'?: number;
      Plans?: Plan[];
    }

    /** How many rows a plan took into its hands, shown or not. */
    function rowsReadBy(plan: Plan): number {
      const own = (plan['Actual Rows'] + (plan['Rows Removed by Filter'] ?? 0)) * plan['Actual Loops'];
      const below = (plan.Plans ?? []).reduce((sum, child) => sum + rowsReadBy(child), 0);
      return (plan['Relation Name'] === 'keys' ? own : 0) + below;
    }

    async function rowsReadFor(page: Omit<KeyListPage, 'limit'>, position: number | null): Promise<number> {
      const { sql, parameters } = selectKeys(
        'acme',
        { ...page, limit: 100 },
        position === null ? null : String(position),
      );
      const client = new pg.Client({ connectionString: database.urls.runtimeUrl });
      await client.connect();
      try {
        await client.query(`begin; select set_config('latchkey.tenant_id', 'acme', true); ${WALK_INDEXES}`);
        const { rows } = await client.query(`explain (analyze, format json) ${sql}`, parameters);
        return rowsReadBy(rows[0]['QUERY PLAN'][0].Plan as Plan);
      } finally {
        await client.end();
      }
    }

    const before = { before: 'a key' };
    const unrevoked: KeyStatus[] = ['active', 'expired'];
    const all: KeyStatus[] = [...unrevoked, 'revoked'];

    it.each<[KeyListPage['order'], KeyListPage['from'], KeyStatus[], number | null]>([
      ['newest', null, unrevoked, null],
      ['oldest', null, unrevoked, null],
      ['newest', { after: 'a key' }, unrevoked, 35_000],
      ['oldest', { after: 'a key' }, unrevoked, 12_000],
      ['newest', before, unrevoked, 12_000],
      ['oldest', before, unrevoked, 35_000],
      ['newest', { after: 'a key' }, all, 45_000],
      ['oldest', before, all, 45_000],
      ['oldest', { after: 'a key' }, all, 8],
    ])(
      'reads a page’s rows of one environment and no others: %s first, from %j, %j',
      async (order, from, statuses, position) => {
        expect(await rowsReadFor({ environment: 'live', statuses, order, from }, position)).toBe(101);
      },
    );

    it('reads at most a page’s rows of each environment where both are listed', async () => {
      const page = { environment: null, statuses: all, from: null };
      expect(await rowsReadFor({ ...page, order: 'newest' }, null)).toBe(202);
      expect(await rowsReadFor({ ...page, order: 'oldest' }, null)).toBe(202);
    });
  });
});
