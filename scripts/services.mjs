/**
 * The four services as processes of their own on a stack's servers: what a deployment runs, on one machine and on free
 * ports, with a database, passwords, tokens and seal key made for this one run.
 */
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { root } from './run.mjs';

export const APPS = ['key-management', 'auth-verifier', 'usage', 'api'];

const READY_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 30_000;
const LOG_LINES_SHOWN = 10;
const LOG_LINE_SHOWN = 400;
const dieWithParent =
  spawnSync('setpriv', ['--version'], { stdio: 'ignore' }).status === 0
    ? ['setpriv', '--pdeathsig', 'KILL', '--']
    : [];

/**
 * Prepares the services on the servers of `stackEnv` (as `startStack` gives it); none runs yet. Logs and spools go to
 * `directory`. Needs the compiled services.
 */
export async function prepareServices({ stackEnv, directory }) {
  const { freePort } = await import('../dist/libs/service-kit/src/embedded-free-port.js');
  mkdirSync(directory, { recursive: true });
  const ports = Object.fromEntries(
    await Promise.all(APPS.map(async (app) => [app, { http: await freePort(), grpc: await freePort() }])),
  );
  const tokens = {
    operator: secret(),
    user: secret(),
    ...Object.fromEntries(APPS.map((app) => [app, secret()])),
  };
  const databases = await bootstrap(stackEnv.DATABASE_ADMIN_URL);
  const environments = environmentsOf({ stackEnv, directory, ports, tokens, databases });
  const running = new Map();

  async function start(app) {
    const logPath = join(directory, `${app}.log`);
    const child = spawnService(app, environments[app], logPath);
    running.set(app, child);
    await untilReady(`http://127.0.0.1:${ports[app].http}`, app, child, logPath);
  }

  async function end(app, signal) {
    const child = running.get(app);
    if (child === undefined) return;
    running.delete(app);
    child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await child.exited;
    clearTimeout(timer);
  }

  return {
    httpUrls: Object.fromEntries(APPS.map((app) => [app, `http://127.0.0.1:${ports[app].http}`])),
    grpcAddresses: Object.fromEntries(APPS.map((app) => [app, `127.0.0.1:${ports[app].grpc}`])),
    /** `operator` for the management HTTP API, `user` for gRPC with the roles verify, report, manage and usage. */
    tokens,
    /** URLs of the runtime and the owner role by schema. */
    databases,
    environments,
    pidOf: (app) => running.get(app)?.pid,
    /** Starts a service and resolves when it calls itself ready; rejects with the end of its log. */
    start,
    /** SIGTERM, and resolves when it has drained. */
    stop: (app) => end(app, 'SIGTERM'),
    /** SIGKILL. */
    kill: (app) => end(app, 'SIGKILL'),
    async stopAll() {
      // What asks goes before what is asked.
      for (const app of APPS.toReversed()) await end(app, 'SIGTERM');
    },
  };
}

function secret() {
  return randomBytes(24).toString('hex');
}

async function bootstrap(adminUrl) {
  const { bootstrapDatabase } = await import('../dist/libs/service-kit/src/postgres-bootstrap.js');
  return bootstrapDatabase(adminUrl, { keys: passwords(), usage: passwords() });
}

function passwords() {
  return { owner: secret(), runtime: secret() };
}

function environmentsOf({ stackEnv, directory, ports, tokens, databases }) {
  const shared = {
    KAFKA_BROKERS: stackEnv.KAFKA_BROKERS,
    REDIS_URL: stackEnv.REDIS_URL,
    LATCHKEY_BIND_HOST: '127.0.0.1',
    LATCHKEY_LOG_LEVEL: 'warn',
    LATCHKEY_DATA_DIR: join(directory, 'data'),
    LATCHKEY_OPERATOR_TOKEN: tokens.operator,
    LATCHKEY_SEAL_KEYS: `1:${randomBytes(32).toString('base64')}`,
    LATCHKEY_SERVICE_TOKENS: [
      `api:${tokens.api}:verify+report+manage+usage`,
      `auth-verifier:${tokens['auth-verifier']}:project`,
      `key-management:${tokens['key-management']}:usage`,
      `user:${tokens.user}:verify+report+manage+usage`,
    ].join(','),
    LATCHKEY_VERIFIER_ADDRESS: `127.0.0.1:${ports['auth-verifier'].grpc}`,
    LATCHKEY_MANAGEMENT_ADDRESS: `127.0.0.1:${ports['key-management'].grpc}`,
    LATCHKEY_USAGE_ADDRESS: `127.0.0.1:${ports.usage.grpc}`,
  };
  const listening = (name, app) => ({
    [`LATCHKEY_${name}_PORT`]: String(ports[app].http),
    [`LATCHKEY_${name}_GRPC_PORT`]: String(ports[app].grpc),
    LATCHKEY_SERVICE_TOKEN: tokens[app],
  });
  return {
    'key-management': {
      ...shared,
      ...databaseVariables(databases.keys),
      ...listening('MANAGEMENT', 'key-management'),
    },
    'auth-verifier': { ...shared, ...listening('VERIFIER', 'auth-verifier') },
    usage: { ...shared, ...databaseVariables(databases.usage), ...listening('USAGE', 'usage') },
    api: { ...shared, ...listening('API', 'api') },
  };
}

function databaseVariables({ runtimeUrl, migrationUrl }) {
  return { DATABASE_URL: runtimeUrl, DATABASE_MIGRATION_URL: migrationUrl };
}

/** In a session of its own, so that Ctrl-C reaches only this process, which then ends the services in order. */
function spawnService(app, environment, logPath) {
  const main = join(root, 'dist', 'apps', app, 'src', 'main.js');
  const [program, ...args] = [...dieWithParent, process.execPath, main];
  const log = openSync(logPath, 'a');
  const child = spawn(program, args, {
    cwd: root,
    env: { PATH: process.env.PATH, ...environment },
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  child.ended = false;
  child.exited = new Promise((resolve) => {
    const onEnd = () => {
      child.ended = true;
      resolve();
    };
    child.once('exit', onEnd);
    child.once('error', onEnd);
  });
  return child;
}

async function untilReady(url, app, child, logPath) {
  const deadlineMs = Date.now() + READY_TIMEOUT_MS;
  let last = 'nothing answered';
  while (!child.ended && Date.now() < deadlineMs) {
    try {
      const response = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(5000) });
      if (response.status === 200) return;
      last = `${response.status}: ${await response.text()}`;
    } catch (error) {
      last = error.cause?.code ?? error.message;
    }
    await delay(50);
  }
  throw new Error(`${app} ${child.ended ? 'has ended' : `is not ready (${last})`}\n${logTail(logPath)}`);
}

/** The last lines of a log, each cut where it gets long: stacks are in there whole. */
function logTail(path) {
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n').slice(-LOG_LINES_SHOWN);
  return lines.map((line) => line.slice(0, LOG_LINE_SHOWN)).join('\n');
}
