import type { QueryRunner } from 'typeorm';
import type { RequestEvent } from '#libs/contracts';
import { counterChanges } from './counter-changes.js';
import { REPEAT_WITHIN_MS, reportId, reportRounds } from './repeated-reports.js';

/** Adds events to the counters within a transaction; returns how many are reports that repeat one counted before. */
export async function countEvents(
  transaction: QueryRunner,
  events: readonly RequestEvent[],
): Promise<number> {
  const reports = events.filter(({ reported }) => reported);
  const first = reports.length === 0 ? [] : await firstReports(transaction, reports);
  const repeated = reports.length - first.length;
  const counted = repeated === 0 ? events : [...events.filter(({ reported }) => !reported), ...first];
  if (counted.length > 0) await changeCounters(transaction, counted);
  return repeated;
}

/** The reports that repeat none counted before; these are now the counted ones. */
async function firstReports(
  transaction: QueryRunner,
  reports: readonly RequestEvent[],
): Promise<RequestEvent[]> {
  const first: RequestEvent[] = [];
  for (const round of reportRounds(reports)) {
    const rows: { tenant_id: string; request_id: string }[] = await transaction.query(
      `insert into usage.reported_requests as known (tenant_id, request_id, occurred_at, counted_at)
       select tenant_id, request_id, occurred_at, now()
       from unnest($1::text[], $2::text[], $3::timestamptz[]) as report (tenant_id, request_id, occurred_at)
       on conflict (tenant_id, request_id) do update
         set occurred_at = excluded.occurred_at, counted_at = excluded.counted_at
         where abs(extract(epoch from excluded.occurred_at - known.occurred_at)) * 1000 > $4
       returning tenant_id, request_id`,
      [
        round.map(({ tenantId }) => tenantId),
        round.map(({ requestId }) => requestId),
        round.map(({ occurredAtMs }) => isoOf(occurredAtMs)),
        REPEAT_WITHIN_MS,
      ],
    );
    const fresh = new Set(
      rows.map(({ tenant_id, request_id }) => reportId({ tenantId: tenant_id, requestId: request_id })),
    );
    first.push(...round.filter((report) => fresh.has(reportId(report))));
  }
  return first;
}

async function changeCounters(transaction: QueryRunner, events: readonly RequestEvent[]): Promise<void> {
  const { counts, activity } = counterChanges(events);
  await transaction.query(
    `insert into usage.request_counts as known (tenant_id, key_id, quarter, outcome, count)
     select * from unnest($1::text[], $2::text[], $3::timestamptz[], $4::text[], $5::bigint[])
     on conflict (tenant_id, key_id, quarter, outcome) do update set count = known.count + excluded.count`,
    [
      counts.map(({ tenantId }) => tenantId),
      counts.map(({ keyId }) => keyId),
      counts.map(({ quarterMs }) => isoOf(quarterMs)),
      counts.map(({ outcome }) => outcome),
      counts.map(({ count }) => count),
    ],
  );
  await transaction.query(
    `insert into usage.key_activity as known (tenant_id, key_id, last_used_at, last_authenticated_at)
     select * from unnest($1::text[], $2::text[], $3::timestamptz[], $4::timestamptz[])
     on conflict (tenant_id, key_id) do update set
       last_used_at = greatest(known.last_used_at, excluded.last_used_at),
       last_authenticated_at = greatest(known.last_authenticated_at, excluded.last_authenticated_at)
     where excluded.last_used_at > coalesce(known.last_used_at, '-infinity')
       or excluded.last_authenticated_at > coalesce(known.last_authenticated_at, '-infinity')`,
    [
      activity.map(({ tenantId }) => tenantId),
      activity.map(({ keyId }) => keyId),
      activity.map(({ lastUsedAtMs }) => lastUsedAtMs && isoOf(lastUsedAtMs)),
      activity.map(({ lastAuthenticatedAtMs }) => lastAuthenticatedAtMs && isoOf(lastAuthenticatedAtMs)),
    ],
  );
}

function isoOf(timeMs: number): string {
  return new Date(timeMs).toISOString();
}
