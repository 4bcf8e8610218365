import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { collectDefaultMetrics, Registry } from 'prom-client';
import type { EventLog } from '#libs/event-log';
import { type KeyView, type RecordId, RecordSeal } from '#libs/key-view';
import { startRequestReporter } from '#libs/request-reporting/serve';
import type { Dependency, Logger } from '#libs/service-kit';
import { type RunningService, serveApplication } from '#libs/service-kit/serve';
import { ServiceModule } from '#libs/service-kit/service.module';
import type { Config } from './config.js';
import { VerifierMetrics } from './metrics.js';
import { LifecycleConsumer } from './projection/lifecycle.consumer.js';
import { ViewCompleteness } from './projection/view-completeness.js';
import { ViewFeed } from './projection/view-feed.consumer.js';
import { GrpcKeyAuthority } from '#libs/verification/grpc-key-authority';
import {
  Breaker,
  CredentialRecords,
  CredentialVerifier,
  FairShare,
  type KeyAuthority,
  ReadThrough,
  RememberedMisses,
  SoundRecords,
} from '#libs/verification';
import { VerifierController } from './verify/verifier.controller.js';

/** Opened records that are remembered, of secrets and of tenants each: some 50 MB. */
const RECORDS_MAX = 50_000;
const MISS_TTL_MS = 60_000;
const MISSES_MAX = 100_000;
const FAILURES_IN_A_ROW_MAX = 5;
const BREAKER_PAUSE_MS = 1000;
/** A topic that is not as declared is a failed start where the log says so by then. */
const DECLARE_WAIT_MS = 3000;

/** Starts auth-verifier; event log and view are the caller's choice, and closed with the service. */
export async function serve(
  config: Config,
  parts: { eventLog: EventLog; keyView: KeyView; logger: Logger },
): Promise<RunningService> {
  const { eventLog, keyView, logger } = parts;
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const metrics = new VerifierMetrics(registry);
  const seal = new RecordSeal(config.sealKeys);
  const authority = new GrpcKeyAuthority(config.managementAddress, config.serviceToken);
  const misses = new RememberedMisses(MISS_TTL_MS, MISSES_MAX);
  const onUnsound = (at: RecordId) => {
    metrics.badSeal();
    logger.error({ record: at }, 'a record that key-management did not seal was left out');
  };
  const projection = { view: keyView, seal, onUnsound };
  const feed = new ViewFeed({
    eventLog,
    keyView,
    completeness: new ViewCompleteness(projection, authority, {
      onRebuilt: (counts) => logger.info(counts, 'the key view was rebuilt'),
      onFailure: (err) => logger.warn({ err }, 'the key view could not be rebuilt, trying again'),
    }),
    consumer: new LifecycleConsumer(projection, {
      onSecret: (digest) => misses.forget(digest),
      onForeignMessage: (place) => {
        metrics.badSeal();
        logger.error({ ...place, offset: String(place.offset) }, 'a message of another form was left out');
      },
      onLag: (seconds) => metrics.projected(seconds),
      onError: (err) => logger.warn({ err }, 'key messages could not be projected, trying again'),
    }),
  });
  const sound = new SoundRecords(seal, onUnsound, RECORDS_MAX);
  const readThrough = new ReadThrough({
    authority,
    view: keyView,
    sound,
    misses,
    share: new FairShare(config.readThroughsPerSecondMax),
    breaker: new Breaker(FAILURES_IN_A_ROW_MAX, BREAKER_PAUSE_MS),
    clock: () => Date.now(),
    onResult: (result) => metrics.readThrough(result),
    onFailure: (err) => logger.warn({ err }, 'key-management did not answer a read-through'),
  });
  const verifier = new CredentialVerifier({
    records: new CredentialRecords(keyView, sound, readThrough),
    legacyPatterns: config.legacyKeyPatterns,
    clock: () => Date.now(),
    newRequestId: () => randomUUID(),
  });
  const reporting = await startRequestReporter({
    directory: config.dataDirectory,
    service: 'auth-verifier',
    eventLog,
    logger,
    metrics: registry,
    fsync: config.spoolFsync,
  });
  const dependencies: Dependency[] = [
    { name: 'key-view', check: () => keyView.check() },
    { name: 'event-log', check: () => eventLog.check() },
    { name: 'spool', check: () => reporting.check() },
    { name: 'key-management', check: () => checkAuthority(keyView, authority) },
  ];
  return serveApplication({
    name: 'auth-verifier',
    title: 'Latchkey auth verifier',
    description: 'Health of the verifier; keys are verified over gRPC.',
    module: ServiceModule.with({ logger, metrics: registry, dependencies }),
    logger,
    metrics: registry,
    dependencies,
    http: { host: config.bindHost, port: config.httpPort, variable: 'LATCHKEY_VERIFIER_PORT' },
    grpc: {
      host: config.bindHost,
      port: config.grpcPort,
      variable: 'LATCHKEY_VERIFIER_GRPC_PORT',
      unary: new VerifierController(verifier, reporting.reporter, metrics).methods,
      callers: config.serviceTokens,
    },
    trustedProxies: config.trustedProxies,
    docsPage: config.docsPage,
    begin: () => startFeed(feed, logger),
    async release() {
      await feed.close();
      await reporting.close();
      await eventLog.close();
      authority.close();
      await keyView.close();
    },
  });
}

/**
 * A verifier with a complete view needs key-management for what changes only: calling it unready would take away
 * what still works. While the view is incomplete or away, every verification may have to ask key-management.
 */
async function checkAuthority(keyView: KeyView, authority: KeyAuthority): Promise<void> {
  if (!(await keyView.isComplete().catch(() => false))) await authority.check();
}

/** Rejects where a topic is found to be other than declared; a log that is away is waited for while serving. */
async function startFeed(feed: ViewFeed, logger: Logger): Promise<void> {
  const timeout = new AbortController();
  const started = feed.start().finally(() => timeout.abort());
  started.catch((err: unknown) => logger.error({ err }, 'key messages are not read'));
  await Promise.race([
    started,
    delay(DECLARE_WAIT_MS, undefined, { signal: timeout.signal }).catch(() => started),
  ]);
}
