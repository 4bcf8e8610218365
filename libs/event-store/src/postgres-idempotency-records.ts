import type { IdempotencyRecord } from './event-store.js';
import type { Transaction } from './read-model.js';

/** The record under the key, unless it is past its 24 hours. */
export async function selectIdempotencyRecord(
  transaction: Transaction,
  scope: string,
  key: string,
): Promise<IdempotencyRecord | undefined> {
  const rows = (await transaction.query(
    `select scope, key, request_hash as "requestHash", outcome from keys.idempotency
     where scope = $1 and key = $2 and recorded_at > now() - interval '24 hours'`,
    [scope, key],
  )) as IdempotencyRecord[];
  return rows[0];
}

/** Stores the records; answers which of them are stored, the other keys being taken. */
export async function insertIdempotencyRecords(
  transaction: Transaction,
  records: readonly IdempotencyRecord[],
): Promise<Set<IdempotencyRecord>> {
  if (records.length === 0) return new Set();
  // Sorted, so that two writers never wait for each other crosswise. A row past its 24 hours makes place.
  const sorted = records.toSorted((a, b) => (idOf(a) < idOf(b) ? -1 : 1));
  const inserted = (await transaction.query(
    `insert into keys.idempotency as kept (scope, key, request_hash, outcome)
     select * from unnest($1::text[], $2::text[], $3::text[], $4::jsonb[])
     on conflict (scope, key) do update
       set request_hash = excluded.request_hash, outcome = excluded.outcome, recorded_at = now()
       where kept.recorded_at <= now() - interval '24 hours'
     returning scope, key`,
    [
      sorted.map(({ scope }) => scope),
      sorted.map(({ key }) => key),
      sorted.map(({ requestHash }) => requestHash),
      sorted.map(({ outcome }) => JSON.stringify(outcome)),
    ],
  )) as { scope: string; key: string }[];
  const stored = new Set(inserted.map(idOf));
  return new Set(records.filter((record) => stored.has(idOf(record))));
}

/** Removes records past their 24 hours, at most `limit`; answers how many. */
export async function deleteOldIdempotencyRecords(transaction: Transaction, limit: number): Promise<number> {
  const [, count] = (await transaction.query(
    // The age is asked for again: a row that was replaced meanwhile is another record.
    `delete from keys.idempotency where recorded_at <= now() - interval '24 hours' and (scope, key) in (
       select scope, key from keys.idempotency where recorded_at <= now() - interval '24 hours' limit $1)`,
    [limit],
  )) as [unknown[], number];
  return count;
}

function idOf({ scope, key }: { scope: string; key: string }): string {
  return JSON.stringify([scope, key]);
}
