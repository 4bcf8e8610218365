import { type Append, ReadModel, type Transaction } from '#libs/event-store';
import { type ExistingKey, isExpired } from '../keys/key.state.js';
import type { ExistingTenant } from '../tenants/tenant.decider.js';
import type { Projected } from './projected.js';

interface KeyWrite {
  index: number;
  tenantId: string;
  key: ExistingKey;
  version: number;
  /** Who makes the change: of a new key its creator. */
  actor: { type: string; id: string };
  managedBy: string | undefined;
}

interface LockedTenants {
  byId: Map<string, { maxActiveKeys: number; activeKeys: number }>;
  /** The transaction's time by PostgreSQL's clock, milliseconds since the epoch. */
  nowMs: number;
}

/**
 * Writes tenants, keys and digests in the append's transaction and holds the rules across streams: the tenant exists,
 * it has at most `maxActiveKeys` active keys, a digest is never used twice, a key that manages others is still in force. The tenants' rows are locked in sorted
 * order before anything is counted, so that concurrent writers cannot pass the limit together.
 */
export class PostgresKeyReadModel extends ReadModel<Projected> {
  async project(
    transaction: Transaction,
    appends: readonly Append<Projected>[],
  ): Promise<(string | undefined)[]> {
    const refusals: (string | undefined)[] = appends.map(() => undefined);
    const tenantIds = [...new Set(appends.map(({ tenantId }) => tenantId))];
    let tenants = await lockTenants(transaction, tenantIds);
    await writeTenants(transaction, appends);

    const keys: KeyWrite[] = [];
    for (const [index, { tenantId, projected, metadata }] of appends.entries()) {
      if (projected.kind !== 'key') continue;
      if (tenants.byId.has(tenantId)) {
        const { state, version, managedBy } = projected;
        keys.push({ index, tenantId, key: state as ExistingKey, version, actor: metadata.actor, managedBy });
      } else refusals[index] = 'TENANT_NOT_FOUND';
    }
    if (keys.length === 0) return refusals;

    for (const index of await withoutManager(transaction, keys)) refusals[index] = 'EXCEEDS_CEILING';
    for (const index of await takeDigests(transaction, keys)) refusals[index] = 'DIGEST_TAKEN';
    const acceptable = keys.filter(({ index }) => refusals[index] === undefined);
    let changes = await activeChanges(transaction, acceptable, tenants.nowMs);
    let excess = beyondLimit(acceptable, changes, tenants);
    if (excess.length > 0 && (await uncountExpired(transaction, tenantIds))) {
      // Some counted keys had expired: their places are free, so the limit is judged again.
      tenants = await lockTenants(transaction, tenantIds);
      changes = await activeChanges(transaction, acceptable, tenants.nowMs);
      excess = beyondLimit(acceptable, changes, tenants);
    }
    for (const index of excess) refusals[index] = 'ACTIVE_KEY_LIMIT';
    if (refusals.some((code) => code !== undefined)) return refusals;

    await writeKeys(transaction, keys, changes);
    await addActiveKeys(transaction, keys, changes);
    return refusals;
  }
}

async function lockTenants(transaction: Transaction, tenantIds: string[]): Promise<LockedTenants> {
  const rows = (await transaction.query(
    `select tenant_id, max_active_keys, active_keys, now() from keys.tenants
     where tenant_id = any($1) order by tenant_id for no key update`,
    [tenantIds],
  )) as { tenant_id: string; max_active_keys: number; active_keys: number; now: Date }[];
  return {
    byId: new Map(
      rows.map((row) => [row.tenant_id, { maxActiveKeys: row.max_active_keys, activeKeys: row.active_keys }]),
    ),
    nowMs: rows[0]?.now.getTime() ?? 0,
  };
}

async function writeTenants(transaction: Transaction, appends: readonly Append<Projected>[]): Promise<void> {
  const writes = appends
    .flatMap(({ projected: { kind, state, version } }) =>
      kind === 'tenant' ? [{ tenant: state as ExistingTenant, version }] : [],
    )
    .toSorted((a, b) => (a.tenant.tenantId < b.tenant.tenantId ? -1 : 1));
  for (const { tenant, version } of writes) {
    await transaction.query(
      `insert into keys.tenants (tenant_id, max_active_keys, version, state) values ($1, $2, $3, $4)
       on conflict (tenant_id) do update
         set max_active_keys = excluded.max_active_keys, version = excluded.version, state = excluded.state`,
      [tenant.tenantId, tenant.maxActiveKeys, version, JSON.stringify(tenant)],
    );
  }
}

/**
 * The indices of the writes whose managing key is revoked or expired by now, maybe by another of these writes. It was in
 * force when its request began; what it makes must not outlive it unseen.
 */
async function withoutManager(transaction: Transaction, keys: readonly KeyWrite[]): Promise<number[]> {
  const managed = keys.filter(({ managedBy }) => managedBy !== undefined);
  if (managed.length === 0) return [];
  const rows = (await transaction.query(
    `select key_id, tenant_id from keys.keys
     where key_id = any($1) and state ->> 'status' = 'active' and (expires_at is null or expires_at > now())`,
    [managed.map(({ managedBy }) => managedBy)],
  )) as { key_id: string; tenant_id: string }[];
  const inForce = new Map(rows.map((row) => [row.key_id, row.tenant_id]));
  const revoked = keys.filter(({ key }) => key.status === 'revoked');
  return managed
    .filter(
      ({ index, tenantId, managedBy = '' }) =>
        inForce.get(managedBy) !== tenantId ||
        revoked.some((other) => other.index !== index && other.key.keyId === managedBy),
    )
    .map(({ index }) => index);
}

/** For each write how the count of active keys changes: +1, 0 or −1. */
async function activeChanges(
  transaction: Transaction,
  keys: readonly KeyWrite[],
  nowMs: number,
): Promise<number[]> {
  const known = keys.filter(({ version }) => version > 1).map(({ key }) => key.keyId);
  const rows =
    known.length === 0
      ? []
      : ((await transaction.query('select key_id, counted from keys.keys where key_id = any($1)', [
          known,
        ])) as { key_id: string; counted: boolean }[]);
  const counted = new Map(rows.map((row) => [row.key_id, row.counted]));
  return keys.map(({ key }) => {
    const active = key.status === 'active' && !isExpired(key, nowMs);
    return Number(active) - Number(counted.get(key.keyId) ?? false);
  });
}

/** The indices of the writes that find no place, the others having taken theirs in their order. */
function beyondLimit(
  keys: readonly KeyWrite[],
  changes: readonly number[],
  { byId }: LockedTenants,
): number[] {
  const active = new Map([...byId].map(([tenantId, { activeKeys }]) => [tenantId, activeKeys]));
  return keys.flatMap(({ index, tenantId }, i) => {
    const change = changes[i] as number;
    const after = (active.get(tenantId) ?? 0) + change;
    if (change > 0 && after > (byId.get(tenantId)?.maxActiveKeys ?? 0)) return [index];
    active.set(tenantId, after);
    return [];
  });
}

/** Takes keys that expired since they were counted out of the count; tells whether there were any. */
async function uncountExpired(transaction: Transaction, tenantIds: string[]): Promise<boolean> {
  const [, count] = (await transaction.query(
    `with expired as (
       update keys.keys set counted = false
       where tenant_id = any($1) and counted and expires_at <= now() returning tenant_id
     ), numbers as (select tenant_id, count(*) as expired from expired group by tenant_id)
     update keys.tenants set active_keys = active_keys - numbers.expired
     from numbers where tenants.tenant_id = numbers.tenant_id`,
    [tenantIds],
  )) as [unknown[], number];
  return count > 0;
}

async function writeKeys(
  transaction: Transaction,
  keys: readonly KeyWrite[],
  changes: readonly number[],
): Promise<void> {
  await transaction.query(
    `insert into keys.keys as stored
       (key_id, tenant_id, environment, created_at, expires_at, counted, version, state, created_by_type,
        created_by_id)
     select key_id, tenant_id, environment, created_at, expires_at, change > 0, version, state, actor_type, actor_id
     from unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::integer[],
                 $7::bigint[], $8::jsonb[], $9::text[], $10::text[])
       as new (key_id, tenant_id, environment, created_at, expires_at, change, version, state, actor_type, actor_id)
     on conflict (key_id) do update
       set expires_at = excluded.expires_at, version = excluded.version, state = excluded.state`,
    [
      keys.map(({ key }) => key.keyId),
      keys.map(({ tenantId }) => tenantId),
      keys.map(({ key }) => key.environment),
      keys.map(({ key }) => new Date(key.createdAtMs)),
      keys.map(({ key }) => (key.expiresAtMs === null ? null : new Date(key.expiresAtMs))),
      changes,
      keys.map(({ version }) => version),
      keys.map(({ key }) => JSON.stringify(key)),
      keys.map(({ actor }) => actor.type),
      keys.map(({ actor }) => actor.id),
    ],
  );
  const changed = keys.flatMap(({ key, version }, i) =>
    version > 1 && changes[i] !== 0 ? [{ keyId: key.keyId, counted: (changes[i] as number) > 0 }] : [],
  );
  if (changed.length === 0) return;
  await transaction.query(
    `update keys.keys set counted = new.counted from unnest($1::text[], $2::boolean[]) as new (key_id, counted)
     where keys.key_id = new.key_id`,
    [changed.map(({ keyId }) => keyId), changed.map(({ counted }) => counted)],
  );
}

async function addActiveKeys(
  transaction: Transaction,
  keys: readonly KeyWrite[],
  changes: readonly number[],
): Promise<void> {
  const sums = new Map<string, number>();
  for (const [i, { tenantId }] of keys.entries()) {
    sums.set(tenantId, (sums.get(tenantId) ?? 0) + (changes[i] as number));
  }
  const changed = [...sums].filter(([, change]) => change !== 0);
  if (changed.length === 0) return;
  await transaction.query(
    `update keys.tenants set active_keys = active_keys + new.change
     from unnest($1::text[], $2::integer[]) as new (tenant_id, change) where tenants.tenant_id = new.tenant_id`,
    [changed.map(([tenantId]) => tenantId), changed.map(([, change]) => change)],
  );
}

/** Stores the digests of new secrets; answers the indices of writes whose digest belongs to another key. */
async function takeDigests(transaction: Transaction, keys: readonly KeyWrite[]): Promise<number[]> {
  const secrets = keys
    .flatMap(({ index, tenantId, key }) =>
      key.secrets.map(({ digest }) => ({ index, tenantId, digest, key })),
    )
    // Sorted, so that two writers never wait for each other crosswise.
    .toSorted((a, b) => Number(a.digest > b.digest) - Number(a.digest < b.digest));
  const inserted = (await transaction.query(
    `insert into keys.secrets (digest, key_id, tenant_id) select * from unnest($1::text[], $2::text[], $3::text[])
     on conflict (digest) do nothing returning digest`,
    [
      secrets.map(({ digest }) => digest),
      secrets.map(({ key }) => key.keyId),
      secrets.map(({ tenantId }) => tenantId),
    ],
  )) as unknown[];
  if (inserted.length === secrets.length) return [];
  const rows = (await transaction.query('select digest, key_id from keys.secrets where digest = any($1)', [
    secrets.map(({ digest }) => digest),
  ])) as { digest: string; key_id: string }[];
  const owners = new Map(rows.map((row) => [row.digest, row.key_id]));
  return secrets.filter(({ digest, key }) => owners.get(digest) !== key.keyId).map(({ index }) => index);
}
