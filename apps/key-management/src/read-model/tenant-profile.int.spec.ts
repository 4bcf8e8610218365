import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import pg from 'pg';
import { PostgresDatabase } from '#libs/service-kit/postgres-database';
import type { RunningService } from '#libs/service-kit/serve';
import { KEYS_MIGRATIONS } from '../serve.js';
import {
  ask,
  createKeysDatabase,
  type KeysDatabase,
  logger,
  serveKeyManagement,
} from '../served-key-management.contract.js';
import { AddTenantProfile1764100000000 } from './migrations/1764100000000-add-tenant-profile.js';

jest.setTimeout(60_000);

const KEY_ID = 'key_00112233445566778899aabbccddee';
const REGISTERED_AT_MS = 1_790_000_000_000;

const TENANT = {
  status: 'active',
  tenantId: 'acme',
  name: 'Acme',
  maxActiveKeys: 5,
  registeredAtMs: REGISTERED_AT_MS,
};
const KEY = {
  status: 'active',
  keyId: KEY_ID,
  tenantId: 'acme',
  name: 'k',
  environment: 'live',
  scopes: ['read'],
  expiresAtMs: null,
  metadata: {},
  createdAtMs: REGISTERED_AT_MS,
  revokedAtMs: null,
  secrets: [
    {
      generation: 1,
      digest: 'a'.repeat(64),
      hint: { start: 'lk_live_aaaa', end: 'zzzz' },
      state: 'current',
      validUntilMs: null,
    },
  ],
};

describe('tenants and keys of before there were profiles', () => {
  let database: KeysDatabase;
  let service: RunningService;

  beforeAll(async () => {
    database = await createKeysDatabase();
    const migrations = KEYS_MIGRATIONS.slice(0, KEYS_MIGRATIONS.indexOf(AddTenantProfile1764100000000));
    const old = new PostgresDatabase(
      { ...database.urls, schema: 'keys', migrations, connectionsMax: 2 },
      logger,
    );
    await old.ready;
    await old.close();
    const admin = new pg.Client({ connectionString: database.adminUrl });
    await admin.connect();
    const metadata = { actor: { type: 'operator', id: 'operator' } };
    await admin.query(
      `insert into keys.events (stream_id, version, tenant_id, type, schema_version, data, metadata)
       values ('tenant-acme', 1, 'acme', 'TenantRegistered', 1, $1, $2)`,
      [{ tenantId: 'acme', name: 'Acme', maxActiveKeys: 5, registeredAtMs: REGISTERED_AT_MS }, metadata],
    );
    await admin.query(
      `insert into keys.tenants (tenant_id, max_active_keys, version, state) values ('acme', 5, 1, $1)`,
      [TENANT],
    );
    await admin.query(
      `insert into keys.keys
         (key_id, tenant_id, environment, created_at, counted, version, state, created_by_type, created_by_id)
       values ($1, 'acme', 'live', now(), true, 1, $2, 'operator', 'operator')`,
      [KEY_ID, KEY],
    );
    await admin.end();
    service = await serveKeyManagement(database);
  });

  afterAll(async () => {
    await service.close();
    await database.drop();
  });

  it('belong to the default one, without a plan and without limits of their own', async () => {
    expect((await ask(service, 'GET', '/v1/tenants/acme')).body).toMatchObject({
      name: 'Acme',
      profile: 'default',
      plan: null,
    });
    const { body } = await ask(service, 'GET', '/v1/tenants/acme/keys');
    expect(body.data).toMatchObject([{ id: KEY_ID, requestsPerMinute: null }]);
  });

  it('go on as tenants of the default one', async () => {
    const wish = { name: 'k', environment: 'test', scopes: ['read'] };
    const created = await ask(service, 'POST', '/v1/tenants/acme/keys', { body: wish });
    expect([created.status, created.body.secret.slice(0, 8)]).toEqual([201, 'lk_test_']);
    const renamed = await ask(service, 'PUT', '/v1/tenants/acme', {
      body: { name: 'B', profile: 'default' },
    });
    expect([renamed.status, renamed.body.name]).toEqual([200, 'B']);
    const moved = await ask(service, 'PUT', '/v1/tenants/acme', { body: { profile: 'sydx' } });
    expect([moved.status, moved.body.code]).toEqual([409, 'PROFILE_FIXED']);
  });
});
