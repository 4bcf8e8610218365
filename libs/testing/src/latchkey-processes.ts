import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RolePasswords, RoleUrls } from '#libs/service-kit';
import { bootstrapDatabase } from '#libs/service-kit/postgres-bootstrap';
import { freePort } from './free-port.js';
import { type SpawnedProcess, spawnService } from './spawn-service.js';
import { createTestDatabase } from './test-database.js';

export const APPS = ['key-management', 'usage', 'auth-verifier', 'api'] as const;
export type App = (typeof APPS)[number];

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

/** The four services as processes of their own on a real stack. */
export interface LatchkeyProcesses extends Latchkey {
  readonly databaseAdminUrl: string;
  /** Holds the spools, a directory for each service. */
  readonly dataDirectory: string;
  readonly httpUrls: Readonly<Record<App, string>>;
  /** What each service runs with; its tokens and passwords are in there. */
  readonly environments: Readonly<Record<App, Readonly<Record<string, string>>>>;
  /** The process that runs now. */
  process(app: App): SpawnedProcess;
  /** Starts it again, after it has ended, with the same environment but for `changes`; resolves when it is ready. */
  restart(app: App, changes?: Readonly<Record<string, string>>): Promise<void>;
  /** As `restart`, without waiting for anything. */
  spawn(app: App): void;
  /** Lines of stdout and stderr of all processes there were. */
  output(): string[];
  stop(): Promise<void>;
}

const password = () => randomBytes(24).toString('hex');

export interface LatchkeyProcessesOptions {
  /** Started and waited for; the others are left to `spawn` and `restart`. */
  readonly apps?: readonly App[];
  /** Further variables of every service, or others in the place of those it would have. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Of the database roles, where no other suite shares the server. */
  readonly databasePasswords?: Readonly<Record<'keys' | 'usage', RolePasswords>>;
  /** Further service tokens with exactly these roles, by the name of the caller. */
  readonly callers?: Readonly<Record<string, { readonly token: string; readonly roles: readonly string[] }>>;
}

/** Starts the four services on the given Kafka, Redis and PostgreSQL, in a database of their own. */
export async function startLatchkeyProcesses(
  stackEnv: Readonly<Record<string, string>>,
  options: LatchkeyProcessesOptions = {},
): Promise<LatchkeyProcesses> {
  const { KAFKA_BROKERS = '', REDIS_URL = '', DATABASE_ADMIN_URL = '' } = stackEnv;
  const database = await createTestDatabase(DATABASE_ADMIN_URL);
  const databases = await bootstrapDatabase(
    database.adminUrl,
    options.databasePasswords ?? {
      // Roles are the server's, so every suite on it gives them these same passwords.
      keys: { owner: 'latchkey_keys_owner', runtime: 'latchkey_keys' },
      usage: { owner: 'latchkey_usage_owner', runtime: 'latchkey_usage' },
    },
  );
  const dataDirectory = mkdtempSync(join(tmpdir(), 'latchkey-'));
  const [api, management, usage, verifier, verifierGrpc, managementGrpc, usageGrpc] = await freePorts();
  const addresses = {
    verifier: `127.0.0.1:${verifierGrpc}`,
    management: `127.0.0.1:${managementGrpc}`,
    usage: `127.0.0.1:${usageGrpc}`,
  };
  const [operatorToken, serviceToken] = [password(), password()];
  const tokens = { api: password(), 'auth-verifier': password(), 'key-management': password() };
  const shared = {
    KAFKA_BROKERS,
    LATCHKEY_DATA_DIR: dataDirectory,
    LATCHKEY_OPERATOR_TOKEN: operatorToken,
    LATCHKEY_SEAL_KEYS: `1:${randomBytes(32).toString('base64')}`,
    LATCHKEY_SERVICE_TOKENS: [
      `api:${tokens.api}:verify+manage+usage`,
      `auth-verifier:${tokens['auth-verifier']}:project`,
      `key-management:${tokens['key-management']}:usage`,
      `test:${serviceToken}:verify+report+project+manage+usage`,
      ...Object.entries(options.callers ?? {}).map(
        ([name, { token, roles }]) => `${name}:${token}:${roles.join('+')}`,
      ),
    ].join(','),
    LATCHKEY_VERIFIER_ADDRESS: addresses.verifier,
    LATCHKEY_MANAGEMENT_ADDRESS: addresses.management,
    LATCHKEY_USAGE_ADDRESS: addresses.usage,
    ...options.environment,
  };
  const environments: Record<App, Record<string, string>> = {
    'key-management': {
      ...shared,
      ...databaseOf(databases.keys),
      LATCHKEY_SERVICE_TOKEN: tokens['key-management'],
      LATCHKEY_MANAGEMENT_PORT: String(management),
      LATCHKEY_MANAGEMENT_GRPC_PORT: String(managementGrpc),
    },
    usage: {
      ...shared,
      ...databaseOf(databases.usage),
      LATCHKEY_USAGE_PORT: String(usage),
      LATCHKEY_USAGE_GRPC_PORT: String(usageGrpc),
    },
    'auth-verifier': {
      ...shared,
      REDIS_URL,
      LATCHKEY_SERVICE_TOKEN: tokens['auth-verifier'],
      LATCHKEY_VERIFIER_PORT: String(verifier),
      LATCHKEY_VERIFIER_GRPC_PORT: String(verifierGrpc),
    },
    api: { ...shared, LATCHKEY_SERVICE_TOKEN: tokens.api, LATCHKEY_API_PORT: String(api) },
  };
  const httpPorts = { 'key-management': management, usage, 'auth-verifier': verifier, api } as Record<
    App,
    number
  >;

  const all: SpawnedProcess[] = [];
  const running = new Map<App, SpawnedProcess>();
  const spawn = (app: App, changes = {}) => {
    const spawned = spawnService(app, { ...environments[app], ...changes });
    all.push(spawned);
    running.set(app, spawned);
    return spawned;
  };
  const start = async (app: App, changes = {}) => {
    await spawn(app, changes).untilReady(httpPorts[app], { timeoutMs: 60_000 });
  };
  const stop = async () => {
    await Promise.all([...running.values()].map((spawned) => spawned.kill('SIGTERM')));
    await database.drop();
    rmSync(dataDirectory, { recursive: true, force: true });
  };
  try {
    await Promise.all((options.apps ?? APPS).map((app) => start(app)));
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    apiUrl: `http://127.0.0.1:${api}`,
    managementUrl: `http://127.0.0.1:${management}`,
    usageUrl: `http://127.0.0.1:${usage}`,
    verifierUrl: `http://127.0.0.1:${verifier}`,
    addresses,
    operatorToken,
    serviceToken,
    databaseAdminUrl: database.adminUrl,
    dataDirectory,
    httpUrls: Object.fromEntries(APPS.map((app) => [app, `http://127.0.0.1:${httpPorts[app]}`])) as Record<
      App,
      string
    >,
    environments,
    process: (app) => running.get(app) as SpawnedProcess,
    restart: start,
    spawn,
    output: () => all.flatMap(({ stdout, stderr }) => [...stdout, ...stderr]),
    stop,
  };
}

function databaseOf({ runtimeUrl, migrationUrl }: RoleUrls) {
  return { DATABASE_URL: runtimeUrl, DATABASE_MIGRATION_URL: migrationUrl };
}

async function freePorts(): Promise<[number, number, number, number, number, number, number]> {
  const ports = new Set<number>();
  while (ports.size < 7) ports.add(await freePort());
  return [...ports] as [number, number, number, number, number, number, number];
}
