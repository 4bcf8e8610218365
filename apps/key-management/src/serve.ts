import { setTimeout as delay } from 'node:timers/promises';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { KeyManagementServiceService } from '#libs/contracts/gen/latchkey/v1/key_management_service';
import type { EventLog } from '#libs/event-log';
import { CreateEventStore1763800000000 } from '#libs/event-store/migrations/1763800000000-create-event-store';
import { EVENTS_CHANNEL, PostgresEventStore } from '#libs/event-store/postgres-event-store';
import { RecordSeal } from '#libs/key-view';
import type { Logger } from '#libs/service-kit';
import { GrpcCaller } from '#libs/service-kit/grpc-caller';
import { PostgresDatabase } from '#libs/service-kit/postgres-database';
import { type RunningService, serveApplication } from '#libs/service-kit/serve';
import { ServiceModule } from '#libs/service-kit/service.module';
import { IdempotencyRetention } from './commands/idempotency-retention.js';
import type { Config } from './config.js';
import { CreateFence1763800200000 } from './fencing/migrations/1763800200000-create-fence.js';
import { PostgresFenceLog } from './fencing/postgres-fence-log.js';
import { serveFence } from './fencing/serve.js';
import { KeyManagementModule } from './key-management.module.js';
import { LifecycleRelay } from './publishing/lifecycle.relay.js';
import { PostgresRelayLeadership } from './publishing/postgres-relay-leadership.js';
import { KeyEntity } from './read-model/key.entity.js';
import { CreateKeyReadModel1763800100000 } from './read-model/migrations/1763800100000-create-key-read-model.js';
import { AddKeyCreator1764000000000 } from './read-model/migrations/1764000000000-add-key-creator.js';
import { AddTenantProfile1764100000000 } from './read-model/migrations/1764100000000-add-tenant-profile.js';
import { ReadFenceLogByIndex1764400000000 } from './fencing/migrations/1764400000000-read-fence-log-by-index.js';
import { ForceRowSecurity1764300000000 } from './read-model/migrations/1764300000000-force-row-security.js';
import { OrderKeysByPosition1764200000000 } from './read-model/migrations/1764200000000-order-keys-by-position.js';
import { PostgresKeyReadModel } from './read-model/postgres-key-read-model.js';
import { PostgresKeyReads } from './read-model/postgres-key-reads.js';
import { TenantEntity } from './read-model/tenant.entity.js';
import { GrpcKeyUsageReads } from './usage/grpc-key-usage-reads.js';
import { SealedRecords } from './view-records/sealed-records.js';

/** Longest a call to the usage service may take, milliseconds. */
const USAGE_DEADLINE_MS = 3000;
/** A newer schema, or a topic that is not as declared, is a failed start where store and log say so by then. */
const START_WAIT_MS = 3000;

/** Of the schema `keys`, for the role that owns it. */
export const KEYS_MIGRATIONS = [
  CreateEventStore1763800000000,
  CreateKeyReadModel1763800100000,
  CreateFence1763800200000,
  AddKeyCreator1764000000000,
  AddTenantProfile1764100000000,
  OrderKeysByPosition1764200000000,
  ForceRowSecurity1764300000000,
  ReadFenceLogByIndex1764400000000,
];

/** Starts key-management; the event log is the caller's choice, and closed with the service. */
export async function serve(
  config: Config,
  parts: { eventLog: EventLog; logger: Logger },
): Promise<RunningService> {
  const { eventLog, logger } = parts;
  const metrics = new Registry();
  collectDefaultMetrics({ register: metrics });
  const connection = {
    runtimeUrl: config.databaseUrl,
    migrationUrl: config.databaseMigrationUrl,
    schema: 'keys',
    tlsCaFile: config.databaseTlsCaFile || undefined,
  };
  const database = new PostgresDatabase(
    {
      ...connection,
      migrations: KEYS_MIGRATIONS,
      entities: [KeyEntity, TenantEntity],
      connectionsMax: config.databaseConnectionsMax,
    },
    logger,
  );
  const store = new PostgresEventStore(database, new PostgresKeyReadModel(), new PostgresFenceLog());
  const fence = serveFence(config, { connection, migrated: database.ready, logger, metrics });
  const reads = new PostgresKeyReads(database, store);
  const seal = new RecordSeal(config.sealKeys);
  const usage = new GrpcKeyUsageReads(
    config.usageAddress,
    new GrpcCaller(config.serviceToken, USAGE_DEADLINE_MS),
  );
  const leadership = new PostgresRelayLeadership(database, EVENTS_CHANNEL);
  const relay = new LifecycleRelay(store, leadership, eventLog, seal, logger, metrics);
  const retention = new IdempotencyRetention(store, logger);
  const dependencies = [
    { name: 'postgres', check: () => database.check() },
    { name: 'event-log', check: () => eventLog.check() },
  ];
  return serveApplication({
    name: 'key-management',
    title: 'Latchkey key management',
    description: 'Tenants and keys, for the operator.',
    bearer: 'operator token',
    module: KeyManagementModule.with({
      service: ServiceModule.with({ logger, metrics, dependencies }),
      store,
      reads,
      records: new SealedRecords(reads, seal),
      usage,
      ledger: fence.ledger,
      enforcements: fence.enforcements,
      revisions: fence.revisions,
      changesPerSecondMax: config.fenceChangesPerSecondMax,
      operatorToken: config.operatorToken,
      profiles: config.profiles,
    }),
    logger,
    metrics,
    dependencies,
    http: { host: config.bindHost, port: config.httpPort, variable: 'LATCHKEY_MANAGEMENT_PORT' },
    grpc: {
      host: config.bindHost,
      port: config.grpcPort,
      variable: 'LATCHKEY_MANAGEMENT_GRPC_PORT',
      services: { 'latchkey.v1.KeyManagementService': KeyManagementServiceService },
      unary: fence.controller.methods,
      streams: fence.controller.streams,
      callers: config.serviceTokens,
    },
    trustedProxies: config.trustedProxies,
    errorTrackerUrl: config.errorTrackerUrl,
    docsPage: config.docsPage,
    async begin() {
      await untilKnown(Promise.all([database.ready, fence.start(), relay.start()]), logger);
      retention.start();
    },
    endCalls: () => fence.endCalls(),
    async release() {
      await retention.close();
      await relay.close();
      await eventLog.close();
      usage.close();
      await Promise.all([fence.close(), database.close()]);
    },
  });
}

/** Rejects where the start is known to be in vain; what is merely away is waited for while serving. */
async function untilKnown(started: Promise<unknown>, logger: Logger): Promise<void> {
  const timeout = new AbortController();
  const settled = started.finally(() => timeout.abort());
  settled.catch((err: unknown) =>
    logger.error({ err }, 'the store or the log is not what this version needs'),
  );
  const wait = delay(START_WAIT_MS, undefined, { signal: timeout.signal });
  await Promise.race([settled, wait.catch(() => settled)]);
}
