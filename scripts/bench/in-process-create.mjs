/** key-management's create command on its own event store, wired as the service wires it, without a transport. */
import { randomBytes } from 'node:crypto';
import { PostgresEventStore } from '#libs/event-store/postgres-event-store';
import { RevisionSeal } from '#libs/fence';
import { readProfiles } from '#libs/profiles/file-profiles';
import { createLogger } from '#libs/service-kit';
import { PostgresDatabase } from '#libs/service-kit/postgres-database';
import { ChangeRate } from '../../dist/apps/key-management/src/commands/change-rate.js';
import { Idempotency } from '../../dist/apps/key-management/src/commands/idempotency.js';
import { FencedChanges } from '../../dist/apps/key-management/src/fencing/fenced-changes.js';
import { PostgresFenceLedger } from '../../dist/apps/key-management/src/fencing/postgres-fence-ledger.js';
import { PostgresFenceLog } from '../../dist/apps/key-management/src/fencing/postgres-fence-log.js';
import { Revisions } from '../../dist/apps/key-management/src/fencing/revisions.js';
import { KeyCommands } from '../../dist/apps/key-management/src/keys/key-commands.js';
import { KeyEntity } from '../../dist/apps/key-management/src/read-model/key.entity.js';
import { PostgresKeyReadModel } from '../../dist/apps/key-management/src/read-model/postgres-key-read-model.js';
import { PostgresKeyReads } from '../../dist/apps/key-management/src/read-model/postgres-key-reads.js';
import { TenantEntity } from '../../dist/apps/key-management/src/read-model/tenant.entity.js';
import { KEYS_MIGRATIONS } from '../../dist/apps/key-management/src/serve.js';
import { TenantCommands } from '../../dist/apps/key-management/src/tenants/tenant-commands.js';
import { TenantProfiles } from '../../dist/apps/key-management/src/tenants/tenant-profiles.js';
import { forInFlight } from './for-in-flight.mjs';
import { serveWorker } from './worker.mjs';

const CONNECTIONS_MAX = 10;
/** Of existing keys: none is changed here. */
const CHANGES_PER_SECOND_MAX = 50;
const CONTEXT = {
  actor: { type: 'operator', id: 'bench' },
  sourceAddress: '127.0.0.1',
  requestId: null,
  traceId: null,
  idempotencyKey: null,
};

serveWorker(async ({ databaseUrl, migrationUrl, tenantIds, keysMax }) => {
  const database = new PostgresDatabase(
    {
      runtimeUrl: databaseUrl,
      migrationUrl,
      schema: 'keys',
      migrations: KEYS_MIGRATIONS,
      entities: [KeyEntity, TenantEntity],
      connectionsMax: CONNECTIONS_MAX,
    },
    createLogger('bench', 'warn'),
  );
  await database.ready;
  const store = new PostgresEventStore(database, new PostgresKeyReadModel(), new PostgresFenceLog());
  const revisions = new Revisions(new RevisionSeal([{ key: randomBytes(32) }]));
  const fenced = new FencedChanges(new PostgresFenceLedger(database), revisions, Date.now);
  const rate = new ChangeRate(CHANGES_PER_SECOND_MAX, () => performance.now());
  const chance = { nowMs: Date.now, randomBytes };
  const profiles = readProfiles('deploy/profiles', ['default']);
  const ofTenants = new TenantProfiles(new PostgresKeyReads(database, store), profiles);
  const keys = new KeyCommands(store, new Idempotency(store), fenced, rate, ofTenants, chance);
  const tenants = new TenantCommands(store, fenced, rate, profiles, Date.now);
  for (const tenantId of tenantIds) {
    await tenants.register(tenantId, { name: tenantId, maxActiveKeys: keysMax }, CONTEXT);
  }
  const wish = {
    name: 'bench',
    environment: 'live',
    scopes: ['read'],
    expiresAtMs: null,
    metadata: {},
    ceiling: null,
  };
  const create = (n) => keys.create(tenantIds[n % tenantIds.length], wish, CONTEXT);
  await create(0);
  return { answer: ({ inFlight, ms }) => forInFlight(create, inFlight, ms), stop: () => database.close() };
});
