import { Rejection } from '#libs/contracts';
import type { Transaction } from '#libs/event-store';
import { cursorAfter, foreignCursor, keyIdOfCursor } from '../keys/key-cursor.js';
import type { ExistingKey } from '../keys/key.state.js';
import { isKeyId } from '../keys/key-id.js';
import type { KeyListing, KeyListPage, KeyPage } from '../keys/key-reads.js';

const STATUS = `case when revoked then 'revoked' when expires_at <= now() then 'expired' else 'active' end`;

/**
 * For the rest of the transaction. The planner takes what the row policy and the statuses let through for a small part of
 * the rows, and would read all of a tenant's to sort them, where an index has them in order.
 */
export const WALK_INDEXES = `select set_config('enable_bitmapscan', 'off', true), set_config('enable_seqscan', 'off', true)`;

/** A page of a tenant's keys, in a transaction that sees that tenant's rows. */
export async function listKeys(
  transaction: Transaction,
  tenantId: string,
  page: KeyListPage,
): Promise<KeyPage> {
  const { limit, from } = page;
  const { sql, parameters } = selectKeys(tenantId, page, await positionOf(transaction, tenantId, page));
  await transaction.query(WALK_INDEXES);
  const rows = (await transaction.query(sql, parameters)) as { state: ExistingKey; version: string }[];
  const hasMore = rows.length > limit;
  const keys = rows.slice(0, limit).map(({ state, version }) => ({ state, version: Number(version) }));
  if (from !== null && 'before' in from) return { keys: keys.toReversed(), hasMore, nextCursor: null };
  const last = keys.at(-1);
  const nextCursor = hasMore && last !== undefined ? cursorAfter(last.state.keyId, page) : null;
  return { keys, hasMore, nextCursor };
}

/**
 * The keys next to a position, and one more that tells whether there are any beyond; without a position from the start.
 * Each environment is a walk along an index that ends after that many keys. On its way it passes over none of the other
 * environment and, where they are not asked for, no revoked ones, however many there are. Expired ones it does pass over
 * where they are not asked for, and all others where they alone are: what is a matter of time is in no index.
 */
export function selectKeys(
  tenantId: string,
  { environment, statuses, order, limit, from }: KeyListPage,
  position: string | null,
): { sql: string; parameters: unknown[] } {
  const isRising = (order === 'oldest') !== (from !== null && 'before' in from);
  const direction = isRising ? 'asc' : 'desc';
  return {
    sql: `select state, version
      from unnest($2::text[]) as listed (environment) cross join lateral (
        select state, version, created_position from keys.keys
        where tenant_id = $1 and environment = listed.environment
          ${statuses.includes('revoked') ? '' : 'and not revoked'} and ${STATUS} = any($3)
          ${position === null ? '' : `and created_position ${isRising ? '>' : '<'} $5::bigint`}
        order by created_position ${direction} limit $4
      ) as key
      order by created_position ${direction} limit $4`,
    parameters: [
      tenantId,
      environmentsOf(environment),
      statuses,
      limit + 1,
      ...(position === null ? [] : [position]),
    ],
  };
}

/** Where the key lies that the page is next to; null where it is next to none. */
async function positionOf(
  transaction: Transaction,
  tenantId: string,
  page: KeyListPage,
): Promise<string | null> {
  const { from, environment, statuses } = page;
  if (from === null) return null;
  if ('cursor' in from) {
    // A key that left the list since its page was read, as by being revoked, still has its place.
    const everyStatus = ['active', 'expired', 'revoked'] as const;
    const keyId = keyIdOfCursor(from.cursor, page);
    const position = await findPosition(transaction, tenantId, keyId, { environment, statuses: everyStatus });
    if (position === undefined) throw foreignCursor();
    return position;
  }
  const [field, keyId] =
    'after' in from ? (['after_key_id', from.after] as const) : (['before_key_id', from.before] as const);
  const position = isKeyId(keyId)
    ? await findPosition(transaction, tenantId, keyId, { environment, statuses })
    : undefined;
  if (position === undefined) {
    throw new Rejection('INVALID_REQUEST', [{ field, message: 'must be the id of a key in this list' }]);
  }
  return position;
}

async function findPosition(
  transaction: Transaction,
  tenantId: string,
  keyId: string,
  { environment, statuses }: Pick<KeyListing, 'environment' | 'statuses'>,
): Promise<string | undefined> {
  const rows = (await transaction.query(
    `select created_position from keys.keys
     where key_id = $1 and tenant_id = $2 and environment = any($3) and ${STATUS} = any($4)`,
    [keyId, tenantId, environmentsOf(environment), statuses],
  )) as { created_position: string }[];
  return rows[0]?.created_position;
}

function environmentsOf(environment: KeyListing['environment']): string[] {
  return environment === null ? ['live', 'test'] : [environment];
}
