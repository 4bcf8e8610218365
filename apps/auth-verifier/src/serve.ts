import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { collectDefaultMetrics, Registry } from 'prom-client';
import type { EventLog } from '#libs/event-log';
import type { KeyView } from '#libs/key-view';
import type { RateLimiting } from '#libs/rate-limit/serve';
import { startRequestReporter } from '#libs/request-reporting/serve';
import type { Dependency, Logger } from '#libs/service-kit';
import { type RunningService, serveApplication } from '#libs/service-kit/serve';
import { ServiceModule } from '#libs/service-kit/service.module';
import type { KeyAuthority } from '#libs/verification';
import { startVerification } from '#libs/verification/serve';
import type { Config } from './config.js';
import { VerifierMetrics } from './metrics.js';
import { LifecycleConsumer } from './projection/lifecycle.consumer.js';
import { ViewCompleteness } from './projection/view-completeness.js';
import { ViewFeed } from './projection/view-feed.consumer.js';
import { VerifierController } from './verify/verifier.controller.js';

/** A topic that is not as declared is a failed start where the log says so by then. */
const DECLARE_WAIT_MS = 3000;

/** Starts auth-verifier; event log, view and limits are the caller's choice, and closed with the service. */
export async function serve(
  config: Config,
  parts: {
    eventLog: EventLog;
    keyView: KeyView;
    rateLimiting: (metrics: Registry) => RateLimiting;
    logger: Logger;
  },
): Promise<RunningService> {
  const { eventLog, keyView, logger } = parts;
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const metrics = new VerifierMetrics(registry);
  const reporting = await startRequestReporter({
    directory: config.dataDirectory,
    service: 'auth-verifier',
    eventLog,
    logger,
    metrics: registry,
    fsync: config.spoolFsync,
  });
  const verification = startVerification(
    { ...config, verifierId: config.verifierId || `${hostname()}:${config.grpcPort}` },
    { view: keyView, rateLimiting: parts.rateLimiting(registry), logger, metrics: registry },
  );
  const { authority, seal, onUnsound } = verification;
  const projection = { view: keyView, seal, onUnsound };
  const feed = new ViewFeed({
    eventLog,
    keyView,
    completeness: new ViewCompleteness(projection, authority, {
      onRebuilt: (counts) => logger.info(counts, 'the key view was rebuilt'),
      onFailure: (err) => logger.warn({ err }, 'the key view could not be rebuilt, trying again'),
    }),
    consumer: new LifecycleConsumer(projection, {
      onSecret: (digest) => verification.onSecret(digest),
      onForeignMessage: (place) => {
        verification.metrics.badSeal();
        logger.error({ ...place, offset: String(place.offset) }, 'a message of another form was left out');
      },
      onLag: (seconds) => metrics.projected(seconds),
      onError: (err) => logger.warn({ err }, 'key messages could not be projected, trying again'),
    }),
  });
  const dependencies: Dependency[] = [
    { name: 'key-view', check: () => keyView.check() },
    { name: 'event-log', check: () => eventLog.check() },
    { name: 'spool', check: () => reporting.check() },
    { name: 'fence', check: () => verification.check() },
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
      unary: new VerifierController(verification.verifier, reporting.reporter, metrics).methods,
      callers: config.serviceTokens,
    },
    trustedProxies: config.trustedProxies,
    errorTrackerUrl: config.errorTrackerUrl,
    docsPage: config.docsPage,
    begin: () => startFeed(feed, logger),
    async release() {
      await feed.close();
      await reporting.close();
      await eventLog.close();
      await verification.close();
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
