import { ALL_TENANTS, type PostgresDatabase } from '#libs/service-kit/postgres-database';
import { type KnownKey, KnownKeys } from './known-keys.js';

export class PostgresKnownKeys extends KnownKeys {
  constructor(private readonly database: PostgresDatabase) {
    super();
  }

  async remember(keys: readonly KnownKey[]): Promise<void> {
    const sorted = keys.toSorted((a, b) => (a.keyId < b.keyId ? -1 : 1));
    await this.database.inTransaction(ALL_TENANTS, (transaction) =>
      transaction.query(
        `insert into usage.known_keys (key_id, tenant_id, created_at)
         select * from unnest($1::text[], $2::text[], $3::timestamptz[])
         on conflict (key_id) do nothing`,
        [
          sorted.map(({ keyId }) => keyId),
          sorted.map(({ tenantId }) => tenantId),
          sorted.map(({ createdAtMs }) => new Date(createdAtMs).toISOString()),
        ],
      ),
    );
  }
}
