/** The services as processes of their own on a stack's servers: what a deployment runs, on one machine and free ports. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RolePasswords } from '#libs/service-kit';
import { bootstrapDatabase } from '#libs/service-kit/postgres-bootstrap';
import { freePort } from './free-port.js';
import {
  type App,
  APPS,
  type Environment,
  environmentsOf,
  freshSecret,
  grpcAddressOf,
  httpUrlOf,
  listeningOn,
  type Ports,
  type Setting,
} from './latchkey-environments.js';
import { type SpawnedProcess, spawnService } from './spawn-service.js';
import { createTestDatabase } from './test-database.js';

export { type App, APPS };

/** Where a running Latchkey is and who may do what with it. */
export interface Latchkey {
  readonly apiUrl: string;
  readonly managementUrl: string;
  readonly usageUrl: string;
  readonly verifierUrl: string;
  readonly addresses: { readonly verifier: string; readonly management: string; readonly usage: string };
  readonly operatorToken: string;
  /** A service token with every role. */
  readonly serviceToken: string;
}

/** One process of a service; it keeps its ports from start to start. */
export interface ServiceInstance {
  readonly httpUrl: string;
  /** Nothing listens there where it is an api. */
  readonly grpcAddress: string;
  /** Its last process. */
  readonly process: SpawnedProcess;
}

export interface StartOptions {
  /** The name of the process, by default its app's: the one that the other services call. */
  readonly instance?: string;
  /** For this start alone: further variables, or others in the place of those it would have. */
  readonly environment?: Environment;
}

/**
 * The services as processes of their own on a real stack: as many of each as have been started. They all spool below
 * one directory, as replicas on one volume do.
 */
export interface LatchkeyProcesses extends Latchkey {
  readonly databaseAdminUrl: string;
  /** URLs of the roles of each schema. */
  readonly databases: Setting['databases'];
  /** Holds the spools, a directory for each service. */
  readonly dataDirectory: string;
  readonly httpUrls: Readonly<Record<App, string>>;
  /** What each service runs with; its tokens and passwords are in there. */
  readonly environments: Readonly<Record<App, Environment>>;
  /** Starts a process, for the first time or after it has ended, and resolves when it is ready; throws with its output. */
  start(app: App, options?: StartOptions): Promise<ServiceInstance>;
  /** As `start`, without waiting for anything. */
  spawn(app: App): void;
  /** The last process of an instance; throws where it was never started. */
  process(instance: string): SpawnedProcess;
  /** Lines of stdout and stderr of all processes there were. */
  output(): string[];
  /** Ends them all and removes what they kept. */
  stop(): Promise<void>;
}

export interface PrepareOptions {
  /** Further variables of every service, or others in the place of those it would have. */
  readonly environment?: Environment;
  /** Of the database roles; fresh ones by default. */
  readonly databasePasswords?: Readonly<Record<'keys' | 'usage' | 'api', RolePasswords>>;
  /** Further service tokens with exactly these roles, by the name of the caller. */
  readonly callers?: Setting['callers'];
  /** Where the compiled services are, by default the working directory. */
  readonly checkout?: string;
}

const READY_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 30_000;

/** Prepares a Latchkey on the servers and in the database of `stackEnv`; none of its services runs yet. */
export async function prepareLatchkeyProcesses(
  stackEnv: Environment,
  dataDirectory: string,
  options: PrepareOptions = {},
): Promise<LatchkeyProcesses> {
  const databaseAdminUrl = stackEnv['DATABASE_ADMIN_URL'] ?? '';
  const databases = await bootstrapDatabase(
    databaseAdminUrl,
    options.databasePasswords ?? { keys: freshPasswords(), usage: freshPasswords(), api: freshPasswords() },
  );
  const ports = await portsOfApps();
  const [operatorToken, serviceToken] = [freshSecret(), freshSecret()];
  const callers = options.callers ?? {};
  const setting = { stackEnv, databases, dataDirectory, ports, operatorToken, serviceToken, callers };
  const common = environmentsOf(setting);
  const environments = byApp((app) => ({
    ...common[app],
    ...listeningOn(app, ports[app]),
    ...options.environment,
  }));

  const portsOf = new Map<string, Ports>(Object.entries(ports));
  const running = new Map<string, SpawnedProcess>();
  const all: SpawnedProcess[] = [];
  const spawn = (app: App, instance: string, at: Ports, changes: Environment = {}) => {
    if (running.get(instance)?.end === null) throw new Error(`${instance} has not ended`);
    const environment = { ...environments[app], ...listeningOn(app, at), ...changes };
    const process = spawnService(app, environment, options.checkout);
    all.push(process);
    running.set(instance, process);
    return process;
  };

  return {
    apiUrl: httpUrlOf(ports.api),
    managementUrl: httpUrlOf(ports['key-management']),
    usageUrl: httpUrlOf(ports.usage),
    verifierUrl: httpUrlOf(ports['auth-verifier']),
    addresses: {
      verifier: grpcAddressOf(ports['auth-verifier']),
      management: grpcAddressOf(ports['key-management']),
      usage: grpcAddressOf(ports.usage),
    },
    operatorToken,
    serviceToken,
    databaseAdminUrl,
    databases,
    dataDirectory,
    httpUrls: byApp((app) => httpUrlOf(ports[app])),
    environments,
    async start(app, { instance = app, environment } = {}) {
      const at = portsOf.get(instance) ?? (await unusedPorts(portsOf.values()));
      portsOf.set(instance, at);
      const process = spawn(app, instance, at, environment);
      await process.untilReady(at.http, { timeoutMs: READY_TIMEOUT_MS });
      return { httpUrl: httpUrlOf(at), grpcAddress: grpcAddressOf(at), process };
    },
    spawn: (app) => void spawn(app, app, ports[app]),
    process(instance) {
      const process = running.get(instance);
      if (process === undefined) throw new Error(`${instance} was never started`);
      return process;
    },
    output: () => all.flatMap(({ stdout, stderr }) => [...stdout, ...stderr]),
    async stop() {
      await Promise.all([...running.values()].map(end));
      rmSync(dataDirectory, { recursive: true, force: true });
    },
  };
}

export interface LatchkeyProcessesOptions extends PrepareOptions {
  /** Started and waited for; the others are left to `spawn` and `start`. */
  readonly apps?: readonly App[];
}

/** Starts the four services on the given Kafka, Redis and PostgreSQL, in a database of their own. */
export async function startLatchkeyProcesses(
  stackEnv: Environment,
  { apps = APPS, ...options }: LatchkeyProcessesOptions = {},
): Promise<LatchkeyProcesses> {
  const database = await createTestDatabase(stackEnv['DATABASE_ADMIN_URL'] ?? '');
  const latchkey = await prepareLatchkeyProcesses(
    { ...stackEnv, DATABASE_ADMIN_URL: database.adminUrl },
    mkdtempSync(join(tmpdir(), 'latchkey-')),
    { databasePasswords: SHARED_PASSWORDS, ...options },
  );
  const stop = async () => {
    await latchkey.stop();
    await database.drop();
  };
  try {
    // Readiness of some asks others: all start at once.
    await Promise.all(apps.map((app) => latchkey.start(app)));
  } catch (error) {
    await stop();
    throw error;
  }
  return { ...latchkey, stop };
}

/** Roles are the server's, so every suite on it gives them these same passwords. */
const SHARED_PASSWORDS = {
  keys: { owner: 'latchkey_keys_owner', runtime: 'latchkey_keys' },
  usage: { owner: 'latchkey_usage_owner', runtime: 'latchkey_usage' },
  api: { owner: 'latchkey_api_owner', runtime: 'latchkey_api' },
};

function freshPasswords(): RolePasswords {
  return { owner: freshSecret(), runtime: freshSecret() };
}

/** A process that was stopped by SIGSTOP, or hangs, ends too. */
async function end(process: SpawnedProcess): Promise<void> {
  process.signal('SIGCONT');
  const timer = setTimeout(() => process.signal('SIGKILL'), STOP_TIMEOUT_MS);
  await process.kill('SIGTERM');
  clearTimeout(timer);
}

async function portsOfApps(): Promise<Record<App, Ports>> {
  const ports: Partial<Record<App, Ports>> = {};
  for (const app of APPS) ports[app] = await unusedPorts(Object.values(ports));
  return ports as Record<App, Ports>;
}

/** A port is free until it is bound: none is given out twice. */
async function unusedPorts(given: Iterable<Ports>): Promise<Ports> {
  const taken = new Set([...given].flatMap(({ http, grpc }) => [http, grpc]));
  const fresh = new Set<number>();
  while (fresh.size < 2) {
    const port = await freePort();
    if (!taken.has(port)) fresh.add(port);
  }
  const [http, grpc] = [...fresh] as [number, number];
  return { http, grpc };
}

function byApp<T>(valueOf: (app: App) => T): Record<App, T> {
  return Object.fromEntries(APPS.map((app) => [app, valueOf(app)])) as Record<App, T>;
}
