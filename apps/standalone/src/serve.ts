import { isAbsolute, relative, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { LOG_MIGRATIONS, PostgresEventLog } from '#libs/event-log/postgres-event-log';
import { InMemoryKeyView } from '#libs/key-view/in-memory-key-view';
import { ownRateLimits } from '#libs/rate-limit/serve';
import { createLogger, readEnvironment } from '#libs/service-kit';
import { startEmbeddedPostgres } from '#libs/service-kit/embedded-postgres';
import { bootstrapDatabase } from '#libs/service-kit/postgres-bootstrap';
import { PostgresDatabase } from '#libs/service-kit/postgres-database';
import type { RunningService } from '#libs/service-kit/serve';
import { variables as apiVariables } from '../../api/src/config.js';
import { serve as serveApi } from '../../api/src/serve.js';
import { variables as verifierVariables } from '../../auth-verifier/src/config.js';
import { serve as serveVerifier } from '../../auth-verifier/src/serve.js';
import { variables as managementVariables } from '../../key-management/src/config.js';
import { serve as serveKeyManagement } from '../../key-management/src/serve.js';
import { variables as usageVariables } from '../../usage/src/config.js';
import { serve as serveUsage } from '../../usage/src/serve.js';
import { Closers } from './closers.js';
import { type Config, portsOf } from './config.js';
import { DEMO_KEY, ensureDemoKey } from './demo-key.js';
import { lockDirectory, makeDirectory } from './file-data-directory.js';
import { FileSecrets } from './file-secrets.js';
import { greetingOf } from './greeting.js';
import { HttpDemo } from './http-demo.js';
import { databasePasswords, serviceEnvironments } from './service-environments.js';
import { assertPortsFree } from './system-ports.js';

/** In the checkout, seen from where this file is compiled to. */
const VERIFY_SCRIPT = resolve(import.meta.dirname, '../../../../scripts/verify.mjs');

/** Connections that publishing shares; every subscription has one of its own besides. */
const LOG_CONNECTIONS_MAX = 10;

/** Of PostgreSQL's log, to tell when it ends by itself. */
const LAST_LINES_MAX = 5;

/** How long a service may take from listening to ready, and how often it is asked, milliseconds. */
const READY_TIMEOUT_MS = 60_000;
const READY_POLL_MS = 50;

/** All of Latchkey in this process. */
export interface RunningLatchkey {
  /** Resolves when PostgreSQL has ended by itself. Nothing can be drained then: the process may end at once. */
  readonly broken: Promise<Error>;
  close(): Promise<void>;
}

/** The embedded PostgreSQL has ended by itself, or was killed. */
export class PostgresEnded extends Error {
  override readonly name = 'PostgresEnded';

  constructor(lastLines: readonly string[]) {
    super(
      [
        'the embedded PostgreSQL has ended; nothing that was answered is lost: start Latchkey again',
        ...lastLines,
      ].join('\n  '),
    );
  }
}

/**
 * Starts all services in this process on an embedded PostgreSQL, which also carries the event log; the key view is in
 * memory. Resolves when everything is ready and the user is greeted. Rejects, with nothing left running, with the
 * reason of `interrupted` when that is aborted meanwhile, and with {@link AlreadyRunning}, {@link PortsTaken},
 * {@link PostgresEnded} or {@link ConfigurationError} where one of these is why.
 */
export async function serve(config: Config, interrupted: AbortSignal): Promise<RunningLatchkey> {
  const closers = new Closers();
  const ended = new AbortController();
  const stop = AbortSignal.any([interrupted, ended.signal]);
  try {
    const directory = makeDirectory(config.dataDirectory);
    const lock = await lockDirectory(directory);
    closers.add(() => lock.release());
    await assertPortsFree(config.bindHost, portsOf(config));
    stop.throwIfAborted();
    const lastLines: string[] = [];
    const postgres = await startEmbeddedPostgres({
      directory: resolve(directory, 'postgres'),
      onLog: (line) => lastLines.push(line) > LAST_LINES_MAX && lastLines.shift(),
    });
    closers.add(() => postgres.stop());
    void postgres.exited.then(() => ended.abort(new PostgresEnded(lastLines)));
    process.stdout.write(await startServices(config, directory, postgres.adminUrl, closers, stop));
    stop.throwIfAborted();
  } catch (error) {
    const cause: unknown = stop.aborted ? stop.reason : error;
    await closers.close().catch(() => undefined);
    throw cause;
  }
  const broken = new Promise<Error>((resolveBroken) => {
    ended.signal.addEventListener('abort', () => {
      if (!closers.isClosing) resolveBroken(ended.signal.reason as Error);
    });
  });
  return { broken, close: () => closers.close() };
}

/** Resolves to the greeting when all are ready. */
async function startServices(
  config: Config,
  directory: string,
  adminUrl: string,
  closers: Closers,
  stop: AbortSignal,
): Promise<string> {
  const secrets = new FileSecrets(directory);
  const databases = await bootstrapDatabase(adminUrl, databasePasswords(secrets));
  const environments = serviceEnvironments(config, secrets, databases);
  const logger = (service: string) => createLogger(service, config.logLevel);
  const logDatabase = new PostgresDatabase(
    { ...databases.log, schema: 'log', migrations: LOG_MIGRATIONS, connectionsMax: LOG_CONNECTIONS_MAX },
    logger('event-log'),
  );
  closers.add(() => logDatabase.close());
  // Each service closes its own log; what carries them all is closed last.
  const parts = (service: string) => ({
    logger: logger(service),
    eventLog: new PostgresEventLog({ database: logDatabase, url: databases.log.runtimeUrl }, logger(service)),
  });
  const started = async (starting: Promise<RunningService>) => {
    const service = await starting;
    closers.add(() => service.close());
    stop.throwIfAborted();
    return service;
  };
  const managementConfig = readEnvironment(managementVariables, environments.management);
  const management = await started(serveKeyManagement(managementConfig, parts('key-management')));
  const usage = await started(
    serveUsage(readEnvironment(usageVariables, environments.usage), parts('usage')),
  );
  const verifier = await started(
    serveVerifier(readEnvironment(verifierVariables, environments.verifier), {
      ...parts('auth-verifier'),
      keyView: new InMemoryKeyView(),
      rateLimiting: () => ownRateLimits,
    }),
  );
  const api = await started(serveApi(readEnvironment(apiVariables, environments.api), parts('api')));
  await Promise.all([management, usage, verifier, api].map(({ httpUrl }) => untilReady(httpUrl, stop)));

  const demo = new HttpDemo(management.httpUrl, secrets.readOrDraw('operator-token'));
  const demoKey = await ensureDemoKey(secrets, demo);
  const path = (name: string) => shownPath(secrets.pathOf(name));
  return greetingOf({
    urls: {
      api: api.httpUrl,
      management: management.httpUrl,
      usage: usage.httpUrl,
      verifier: verifier.httpUrl,
    },
    grpc: environments.addresses,
    files: {
      operatorToken: path('operator-token'),
      serviceToken: path('service-token'),
      demoKey: path(DEMO_KEY),
      verifyScript: shownPath(VERIFY_SCRIPT),
    },
    products: managementConfig.profiles.names,
    dataDirectory: directory,
    docsPage: config.docsPage,
    demoKey,
  });
}

/**
 * As the user types it: npm changes to the checkout whatever directory it is called in, so a path relative to this
 * process's directory may lead nowhere from the user's.
 */
function shownPath(path: string): string {
  const here = process.cwd();
  const fromHere = relative(here, path);
  if ((process.env['INIT_CWD'] ?? here) !== here || fromHere.startsWith('..') || isAbsolute(fromHere))
    return path;
  return fromHere.startsWith('-') ? `./${fromHere}` : fromHere;
}

async function untilReady(httpUrl: string, stop: AbortSignal): Promise<void> {
  const deadline = performance.now() + READY_TIMEOUT_MS;
  for (;;) {
    stop.throwIfAborted();
    const response = await fetch(`${httpUrl}/health/ready`);
    const readiness = await response.text();
    if (response.ok) return;
    if (performance.now() > deadline) throw new Error(`${httpUrl} did not become ready: ${readiness}`);
    await delay(READY_POLL_MS);
  }
}
