import type { CountedOutcome } from '#libs/contracts';
import type { PostgresDatabase } from '#libs/service-kit/postgres-database';
import { type StoredUsage, UsageReads } from './usage-reads.js';
import type { UsageWindow } from './usage-window.js';

interface Row {
  key_id: string;
  known: boolean;
  created_at: Date | null;
  last_used_at: Date | null;
  last_authenticated_at: Date | null;
  counts: Partial<Record<CountedOutcome, number>>;
}

/** Reads with the tenant's row-level security, also where the query names the tenant. */
export class PostgresUsageReads extends UsageReads {
  constructor(private readonly database: PostgresDatabase) {
    super();
  }

  async usageOf(
    tenantId: string,
    keyIds: readonly string[],
    { startMs, endMs }: UsageWindow,
  ): Promise<StoredUsage[]> {
    const rows: Row[] = await this.database.inTransaction(tenantId, (transaction) =>
      transaction.query(
        `select asked.key_id, created.created_at, activity.last_used_at, activity.last_authenticated_at,
           created.key_id is not null or activity.key_id is not null as known,
           coalesce(counted.counts, '{}') as counts
         from unnest($2::text[]) with ordinality as asked (key_id, place)
         left join usage.known_keys created
           on created.key_id = asked.key_id and created.tenant_id = $1
         left join usage.key_activity activity
           on activity.key_id = asked.key_id and activity.tenant_id = $1
         left join lateral (
           select jsonb_object_agg(outcome, total) as counts from (
             select outcome, sum(count) as total from usage.request_counts
             where tenant_id = $1 and key_id = asked.key_id and quarter between $3 and $4
             group by outcome
           ) totals
         ) counted on true
         order by asked.place`,
        [tenantId, keyIds, new Date(startMs), new Date(endMs)],
      ),
    );
    return rows.map((row) => ({
      keyId: row.key_id,
      known: row.known,
      createdAt: row.created_at,
      lastUsedAt: row.last_used_at,
      lastAuthenticatedAt: row.last_authenticated_at,
      counts: row.counts,
    }));
  }
}
