/** key-management's create command on its own event store, wired as the service wires it, without a transport. */
import { randomBytes } from 'node:crypto';
import { CreateEventStore1763800000000 } from '#libs/event-store/migrations/1763800000000-create-event-store';
import { PostgresEventStore } from '#libs/event-store/postgres-event-store';
import { createLogger } from '#libs/service-kit';
import { PostgresDatabase } from '#libs/service-kit/postgres-database';
import { Idempotency } from '../../dist/apps/key-management/src/commands/idempotency.js';
import { KeyCommands } from '../../dist/apps/key-management/src/keys/key-commands.js';
import { KeyEntity } from '../../dist/apps/key-management/src/read-model/key.entity.js';
import { CreateKeyReadModel1763800100000 } from '../../dist/apps/key-management/src/read-model/migrations/1763800100000-create-key-read-model.js';
import { PostgresKeyReadModel } from '../../dist/apps/key-management/src/read-model/postgres-key-read-model.js';
import { TenantEntity } from '../../dist/apps/key-management/src/read-model/tenant.entity.js';
import { TenantCommands } from '../../dist/apps/key-management/src/tenants/tenant-commands.js';
import { forInFlight } from './for-in-flight.mjs';
import { serveWorker } from './worker.mjs';

const CONNECTIONS_MAX = 10;
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
      migrations: [CreateEventStore1763800000000, CreateKeyReadModel1763800100000],
      entities: [KeyEntity, TenantEntity],
      connectionsMax: CONNECTIONS_MAX,
    },
    createLogger('bench', 'warn'),
  );
  await database.ready;
  const store = new PostgresEventStore(database, new PostgresKeyReadModel());
  const keys = new KeyCommands(store, new Idempotency(store), { nowMs: Date.now, randomBytes });
  const tenants = new TenantCommands(store, Date.now);
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
