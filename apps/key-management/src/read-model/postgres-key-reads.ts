import type { QueryRunner } from 'typeorm';
import type { EventStore, StoredEvent } from '#libs/event-store';
import { ALL_TENANTS, type PostgresDatabase } from '#libs/service-kit/postgres-database';
import type { ExistingKey } from '../keys/key.state.js';
import { isKeyId } from '../keys/key-id.js';
import { foreignCursor } from '../keys/key-cursor.js';
import { type KeyListPage, type KeyPage, KeyReads, type Versioned } from '../keys/key-reads.js';
import type { KeySelection, SelectedKey } from '../keys/key-selection.js';
import { streamOfKey } from '../keys/key-resource.js';
import type { ExistingTenant } from '../tenants/tenant.decider.js';
import { isTenantId } from '../tenants/tenant-id.js';
import { KeyEntity } from './key.entity.js';
import { listKeys } from './postgres-key-list.js';
import type { Projected } from './projected.js';
import { TenantEntity } from './tenant.entity.js';

/** Reads the read model with the tenant's row-level security, also where the query names the tenant. */
export class PostgresKeyReads extends KeyReads {
  constructor(
    private readonly database: PostgresDatabase,
    private readonly store: EventStore<Projected>,
  ) {
    super();
  }

  async tenant(tenantId: string): Promise<Versioned<ExistingTenant> | undefined> {
    if (!isTenantId(tenantId)) return undefined;
    return this.database.inTransaction(tenantId, async ({ manager }) => {
      const row = await manager.findOneBy(TenantEntity, { tenantId });
      return row === null ? undefined : versioned(row);
    });
  }

  async key(tenantId: string, keyId: string): Promise<Versioned<ExistingKey> | undefined> {
    if (!isTenantId(tenantId) || !isKeyId(keyId)) return undefined;
    return this.database.inTransaction(tenantId, async ({ manager }) => {
      const row = await manager.findOneBy(KeyEntity, { tenantId, keyId });
      return row === null ? undefined : versioned(row);
    });
  }

  keys(tenantId: string, page: KeyListPage): Promise<KeyPage> {
    // What is no tenant has an empty list, in which every key is unknown.
    const owner = isTenantId(tenantId) ? tenantId : '';
    return this.database.inTransaction(owner, (transaction) => listKeys(transaction, owner, page));
  }

  async unrevokedKeys(
    tenantId: string,
    { keyIds, environment, createdBy, descendantsOf }: KeySelection,
    limit: number,
  ): Promise<SelectedKey[]> {
    if (!isTenantId(tenantId)) return [];
    return this.database.inTransaction(tenantId, async (transaction) => {
      const rows = (await transaction.query(
        `with recursive descendants as (
           select key_id from keys.keys where tenant_id = $1 and created_by_type = 'key' and created_by_id = $6
           union
           select child.key_id from keys.keys child join descendants parent on child.created_by_id = parent.key_id
           where child.tenant_id = $1 and child.created_by_type = 'key'
         )
         select key_id, created_at from keys.keys
         where tenant_id = $1 and state->>'status' <> 'revoked'
           and ($2::text[] is null or key_id = any($2))
           and ($3::text is null or environment = $3)
           and ($4::text is null or (created_by_type = $4 and created_by_id = $5))
           and ($6::text is null or key_id in (select key_id from descendants))
         order by key_id limit $7`,
        [tenantId, keyIds, environment, createdBy?.type ?? null, createdBy?.id ?? null, descendantsOf, limit],
      )) as { key_id: string; created_at: Date }[];
      return rows.map((row) => ({ keyId: row.key_id, createdAtMs: row.created_at.getTime() }));
    });
  }

  async events(tenantId: string, keyId: string): Promise<StoredEvent[]> {
    const events = isKeyId(keyId) ? await this.store.read(streamOfKey(keyId)) : [];
    return events.filter((event) => event.tenantId === tenantId);
  }

  keyByDigest(digest: string) {
    return this.database.inTransaction(ALL_TENANTS, async (transaction) => {
      const [secret] = (await transaction.query(
        'select key_id, tenant_id from keys.secrets where digest = $1',
        [digest],
      )) as { key_id: string; tenant_id: string }[];
      if (secret === undefined) return undefined;
      const { manager } = transaction;
      const key = await manager.findOneByOrFail(KeyEntity, { keyId: secret.key_id });
      const tenant = await manager.findOneByOrFail(TenantEntity, { tenantId: secret.tenant_id });
      return { key: versioned(key), tenant: versioned(tenant) };
    });
  }

  async keysAfter(keyId: string, limit: number): Promise<Versioned<ExistingKey>[]> {
    if (keyId !== '' && !isKeyId(keyId)) throw foreignCursor();
    return this.page(KeyEntity, 'keyId', keyId, limit);
  }

  async tenantsAfter(tenantId: string, limit: number): Promise<Versioned<ExistingTenant>[]> {
    if (tenantId !== '' && !isTenantId(tenantId)) throw foreignCursor();
    return this.page(TenantEntity, 'tenantId', tenantId, limit);
  }

  private page<State, Row extends { version: string; state: State }>(
    entity: new () => Row,
    idField: string,
    after: string,
    limit: number,
  ): Promise<Versioned<State>[]> {
    return this.database.inTransaction(ALL_TENANTS, async ({ manager }: QueryRunner) => {
      const rows = await manager
        .createQueryBuilder(entity, 'row')
        .where(`row.${idField} > :after`, { after })
        .orderBy(`row.${idField}`)
        .limit(limit)
        .getMany();
      return rows.map((row) => versioned(row));
    });
  }
}

function versioned<State>({ state, version }: { state: State; version: string }): Versioned<State> {
  return { state, version: Number(version) };
}
