import { setTimeout as delay } from 'node:timers/promises';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { KEYS_TOPIC, LIFECYCLE_TOPICS, REQUEST_TOPICS } from '#libs/contracts';
import { UsageServiceService } from '#libs/contracts/gen/latchkey/v1/usage_service';
import type { EventLog } from '#libs/event-log';
import type { Logger } from '#libs/service-kit';
import { PostgresDatabase } from '#libs/service-kit/postgres-database';
import { type RunningService, serveApplication } from '#libs/service-kit/serve';
import { ServiceModule } from '#libs/service-kit/service.module';
import type { Config } from './config.js';
import { CountingMetrics } from './counting/counting-metrics.js';
import { PostgresUsageStore } from './counting/postgres-usage-store.js';
import { UsageConsumer } from './counting/usage.consumer.js';
import { UsageRetention } from './counting/usage-retention.js';
import { KeysConsumer } from './keys/keys.consumer.js';
import { PostgresKnownKeys } from './keys/postgres-known-keys.js';
import { CreateUsage1763800000000 } from './migrations/1763800000000-create-usage.js';
import { ForceRowSecurity1764300000000 } from './migrations/1764300000000-force-row-security.js';
import { PostgresUsageReads } from './querying/postgres-usage-reads.js';
import { UsageModule } from './usage.module.js';

/** A topic or a schema that is not as declared is a failed start where it shows by then, milliseconds. */
const START_WAIT_MS = 3000;

/** What it declares: the tenants' topic is not for it. */
export const USAGE_TOPICS = [
  ...REQUEST_TOPICS,
  ...LIFECYCLE_TOPICS.filter(({ name }) => name === KEYS_TOPIC),
];

/** Of the schema `usage`, for the role that owns it. */
export const USAGE_MIGRATIONS = [CreateUsage1763800000000, ForceRowSecurity1764300000000];

/** Starts usage; the event log is the caller's choice, and closed with the service. */
export async function serve(
  config: Config,
  { eventLog, logger }: { eventLog: EventLog; logger: Logger },
): Promise<RunningService> {
  const metrics = new Registry();
  collectDefaultMetrics({ register: metrics });
  const database = new PostgresDatabase(
    {
      runtimeUrl: config.databaseUrl,
      migrationUrl: config.databaseMigrationUrl,
      schema: 'usage',
      migrations: USAGE_MIGRATIONS,
      connectionsMax: config.databaseConnectionsMax,
      tlsCaFile: config.databaseTlsCaFile || undefined,
    },
    logger,
  );
  const store = new PostgresUsageStore(database);
  const countingMetrics = new CountingMetrics(metrics, () => store.parkedEvents());
  const consumer = new UsageConsumer(eventLog, store, countingMetrics, logger);
  const keysConsumer = new KeysConsumer(eventLog, new PostgresKnownKeys(database), logger);
  const retention = new UsageRetention(store, logger);
  let reading = false;
  const dependencies = [
    { name: 'postgres', check: () => database.check() },
    { name: 'event-log', check: () => eventLog.check() },
    {
      name: 'consumers',
      check() {
        if (!reading) throw new Error('the topics are not read yet');
      },
    },
  ];
  async function read(): Promise<void> {
    await Promise.all([database.ready, eventLog.declare(USAGE_TOPICS)]);
    await Promise.all([consumer.start(), keysConsumer.start()]);
    reading = true;
  }
  return serveApplication({
    name: 'usage',
    title: 'Latchkey usage',
    description: 'How much keys were used, for the operator.',
    bearer: 'operator token',
    module: UsageModule.with({
      service: ServiceModule.with({ logger, metrics, dependencies }),
      reads: new PostgresUsageReads(database),
      operatorToken: config.operatorToken,
    }),
    logger,
    metrics,
    dependencies,
    http: { host: config.bindHost, port: config.httpPort, variable: 'LATCHKEY_USAGE_PORT' },
    grpc: {
      host: config.bindHost,
      port: config.grpcPort,
      variable: 'LATCHKEY_USAGE_GRPC_PORT',
      services: { 'latchkey.v1.UsageService': UsageServiceService },
      callers: config.serviceTokens,
    },
    trustedProxies: config.trustedProxies,
    errorTrackerUrl: config.errorTrackerUrl,
    docsPage: config.docsPage,
    async begin() {
      await withinStart(read(), logger);
      retention.start();
    },
    async release() {
      await Promise.all([consumer.close(), keysConsumer.close(), retention.close()]);
      await eventLog.close();
      await database.close();
    },
  });
}

/** Waits a little for what may take long, so that a mistake that shows at once is a failed start. */
async function withinStart(started: Promise<void>, logger: Logger): Promise<void> {
  const waiting = new AbortController();
  started.then(
    () => waiting.abort(),
    (err: unknown) => {
      waiting.abort();
      logger.error({ err }, 'the topics are not read');
    },
  );
  await delay(START_WAIT_MS, undefined, { signal: waiting.signal }).catch(() => started);
}
