import { mkdirSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { LOG_MIGRATIONS, PostgresEventLog } from '#libs/event-log/postgres-event-log';
import { InMemoryKeyView } from '#libs/key-view/in-memory-key-view';
import { createLogger, readEnvironment } from '#libs/service-kit';
import { startEmbeddedPostgres } from '#libs/service-kit/embedded-postgres';
import { acquireProcessLock, LockHeld } from '#libs/service-kit/file-process-lock';
import { bootstrapDatabase } from '#libs/service-kit/postgres-bootstrap';
import { PostgresDatabase } from '#libs/service-kit/postgres-database';
import { variables as apiVariables } from '../../api/src/config.js';
import { serve as serveApi } from '../../api/src/serve.js';
import { variables as verifierVariables } from '../../auth-verifier/src/config.js';
import { serve as serveVerifier } from '../../auth-verifier/src/serve.js';
import { variables as managementVariables } from '../../key-management/src/config.js';
import { serve as serveKeyManagement } from '../../key-management/src/serve.js';
import { variables as usageVariables } from '../../usage/src/config.js';
import { serve as serveUsage } from '../../usage/src/serve.js';
import type { Config } from './config.js';
import { FileSecrets } from './file-secrets.js';
import { greetingOf } from './greeting.js';
import { HttpDemo } from './http-demo.js';
import { databasePasswords, serviceEnvironments } from './service-environments.js';

/** Connections that publishing shares; every subscription has one of its own besides. */
const LOG_CONNECTIONS_MAX = 10;

/** Something to let go of, in the reverse order of its taking. */
type Closer = () => Promise<void>;

/**
 * Starts all services in this process on an embedded PostgreSQL, which also carries the event log; the key view is in
 * memory. Resolves when everything is ready and the user is greeted. Rejects with {@link AlreadyRunning} when another
 * process uses the data directory.
 */
export async function serve(config: Config): Promise<{ close(): Promise<void> }> {
  const closers: Closer[] = [];
  const close = async () => {
    for (const closer of closers.splice(0).toReversed()) await closer();
  };
  try {
    await start(config, closers);
    return { close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Another process uses the data directory. */
export class AlreadyRunning extends Error {
  override readonly name = 'AlreadyRunning';
}

async function start(config: Config, closers: Closer[]): Promise<void> {
  const directory = resolve(config.dataDirectory);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const lock = await lockDirectory(directory);
  closers.push(() => lock.release());

  const postgres = await startEmbeddedPostgres({ directory: resolve(directory, 'postgres') });
  closers.push(() => postgres.stop());
  const secrets = new FileSecrets(directory);
  const databases = await bootstrapDatabase(postgres.adminUrl, databasePasswords(secrets));
  const environments = serviceEnvironments(config, secrets, databases);
  const logger = (service: string) => createLogger(service, config.logLevel);
  const logDatabase = new PostgresDatabase(
    { ...databases.log, schema: 'log', migrations: LOG_MIGRATIONS, connectionsMax: LOG_CONNECTIONS_MAX },
    logger('event-log'),
  );
  closers.push(() => logDatabase.close());
  // Each service closes its own log; what carries them all is closed last.
  const eventLog = (service: string) =>
    new PostgresEventLog({ database: logDatabase, url: databases.log.runtimeUrl }, logger(service));

  const management = await serveKeyManagement(readEnvironment(managementVariables, environments.management), {
    logger: logger('key-management'),
    eventLog: eventLog('key-management'),
  });
  closers.push(() => management.close());
  const usage = await serveUsage(readEnvironment(usageVariables, environments.usage), {
    logger: logger('usage'),
    eventLog: eventLog('usage'),
  });
  closers.push(() => usage.close());
  const verifier = await serveVerifier(readEnvironment(verifierVariables, environments.verifier), {
    logger: logger('auth-verifier'),
    eventLog: eventLog('auth-verifier'),
    keyView: new InMemoryKeyView(),
  });
  closers.push(() => verifier.close());
  const api = await serveApi(readEnvironment(apiVariables, environments.api), {
    logger: logger('api'),
    eventLog: eventLog('api'),
  });
  closers.push(() => api.close());

  await Promise.all([management, usage, verifier, api].map(({ httpUrl }) => untilReady(httpUrl)));
  const demoSecret = await new HttpDemo(
    management.httpUrl,
    secrets.readOrDraw('operator-token'),
  ).firstSecret();
  if (demoSecret !== undefined) secrets.write('demo-key', demoSecret);
  const shown = (name: string) => relative(process.cwd(), secrets.pathOf(name));
  process.stdout.write(
    greetingOf({
      urls: {
        api: api.httpUrl,
        management: management.httpUrl,
        usage: usage.httpUrl,
        verifier: verifier.httpUrl,
      },
      grpc: {
        verifier: environments.addresses.verifier,
        management: environments.addresses.management,
        usage: environments.addresses.usage,
      },
      files: {
        operatorToken: shown('operator-token'),
        serviceToken: shown('service-token'),
        demoKey: shown('demo-key'),
      },
      dataDirectory: directory,
      demoKeyIsNew: demoSecret !== undefined,
    }),
  );
}

async function lockDirectory(directory: string) {
  try {
    return await acquireProcessLock(resolve(directory, 'lock'));
  } catch (error) {
    if (!(error instanceof LockHeld)) throw error;
    throw new AlreadyRunning(
      `Latchkey already runs on ${directory}, as process ${error.pid}: end it with "kill ${error.pid}", ` +
        'or give this one another LATCHKEY_DATA_DIR and other ports',
    );
  }
}

/** How long a service may take from listening to ready, and how often it is asked, milliseconds. */
const READY_TIMEOUT_MS = 60_000;
const READY_POLL_MS = 50;

async function untilReady(httpUrl: string): Promise<void> {
  const deadline = performance.now() + READY_TIMEOUT_MS;
  for (;;) {
    const response = await fetch(`${httpUrl}/health/ready`);
    const readiness = await response.text();
    if (response.ok) return;
    if (performance.now() > deadline) throw new Error(`${httpUrl} did not become ready: ${readiness}`);
    await new Promise((resolvePause) => setTimeout(resolvePause, READY_POLL_MS));
  }
}
