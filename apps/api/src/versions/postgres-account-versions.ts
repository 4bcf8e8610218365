import type { PostgresDatabase } from '#libs/service-kit/postgres-database';
import { AccountVersions } from './account-versions.js';

/** In the schema `api`, by row-level security each account's alone. */
export class PostgresAccountVersions extends AccountVersions {
  constructor(private readonly database: PostgresDatabase) {
    super();
  }

  override pinned(tenantId: string, newest: string): Promise<string> {
    return this.database.inTransaction(tenantId, async (transaction) => {
      const read = (): Promise<{ version: string }[]> =>
        transaction.query('select version from api.account_versions where tenant_id = $1', [tenantId]);
      const [known] = await read();
      if (known !== undefined) return known.version;
      await transaction.query(
        `insert into api.account_versions (tenant_id, version, pinned_at) values ($1, $2, clock_timestamp())
         on conflict do nothing`,
        [tenantId, newest],
      );
      // Another first call may have been sooner, and by another version.
      const [pinned] = await read();
      return pinned?.version ?? newest;
    });
  }

  override upgrade(tenantId: string, version: string): Promise<string> {
    return this.database.inTransaction(tenantId, async (transaction) => {
      const [pinned]: { version: string }[] = await transaction.query(
        `insert into api.account_versions as account (tenant_id, version, pinned_at)
         values ($1, $2, clock_timestamp())
         on conflict (tenant_id) do update
           set version = greatest(account.version, excluded.version),
             pinned_at = case when account.version < excluded.version then excluded.pinned_at else account.pinned_at end
         returning version`,
        [tenantId, version],
      );
      return pinned?.version ?? version;
    });
  }
}
