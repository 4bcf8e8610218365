/** key-management on free ports and on a database of its own, for the integration specs. */
import { afterAll, beforeAll } from '@jest/globals';
import { EventLog, type LogRecord, type Subscription } from '#libs/event-log';
import { createLogger, type Logger, readEnvironment, type RoleUrls } from '#libs/service-kit';
import { freePort } from '#libs/service-kit/embedded-free-port';
import { bootstrapDatabase } from '#libs/service-kit/postgres-bootstrap';
import type { RunningService } from '#libs/service-kit/serve';
import { stackUrls } from '#libs/testing/stack';
import { createTestDatabase } from '#libs/testing/test-database';
import { variables } from './config.js';
import { serve } from './serve.js';

export const OPERATOR_TOKEN = 'operator-token-of-the-specs';

/** Service tokens by what they may do. */
export const TOKENS = {
  manage: 'token-of-a-service-that-manages',
  project: 'token-of-a-service-that-projects',
  fence: 'token-of-a-service-that-verifies-by-lease',
  verify: 'token-of-a-service-that-verifies',
};

/** Roles are the server's, so that all tests on it give them the same passwords. */
export const PASSWORDS = { keys: { owner: 'latchkey_keys_owner', runtime: 'latchkey_keys' } };

export const logger: Logger = createLogger('key-management', process.env['LATCHKEY_LOG_LEVEL'] ?? 'silent');

export interface KeysDatabase {
  /** The superuser's URL. */
  adminUrl: string;
  urls: RoleUrls;
  drop(): Promise<void>;
}

/** A database with the schema and roles of key-management, not migrated yet. */
export async function createKeysDatabase(
  serverAdminUrl = stackUrls().databaseAdminUrl,
): Promise<KeysDatabase> {
  const database = await createTestDatabase(serverAdminUrl);
  const { keys } = await bootstrapDatabase(database.adminUrl, PASSWORDS);
  return { adminUrl: database.adminUrl, urls: keys, drop: () => database.drop() };
}

/** Keeps what is published; nobody reads it. */
export class KeptLog extends EventLog {
  readonly published: { topic: string; record: LogRecord }[] = [];

  override async declare(): Promise<void> {}
  override async publish(topic: string, records: readonly LogRecord[]): Promise<void> {
    this.published.push(...records.map((record) => ({ topic, record })));
  }
  override subscribe(): Promise<Subscription> {
    throw new Error('nobody reads this log');
  }
  override async check(): Promise<void> {}
  override async close(): Promise<void> {}
}

/** The environment of an instance on the database; its HTTP port is any free one. */
export async function environmentOf({ urls }: KeysDatabase): Promise<Record<string, string>> {
  return {
    LATCHKEY_MANAGEMENT_PORT: '0',
    LATCHKEY_MANAGEMENT_GRPC_PORT: String(await freePort()),
    LATCHKEY_OPERATOR_TOKEN: OPERATOR_TOKEN,
    LATCHKEY_SERVICE_TOKENS: Object.entries(TOKENS)
      .map(([role, token]) => `${role}r:${token}:${role}`)
      .join(','),
    LATCHKEY_SERVICE_TOKEN: 'token-of-key-management',
    LATCHKEY_SEAL_KEYS: `1:${Buffer.alloc(32, 7).toString('base64')}`,
    LATCHKEY_DOCS_PAGE: 'false',
    LATCHKEY_PROFILES: '*',
    DATABASE_URL: urls.runtimeUrl,
    DATABASE_MIGRATION_URL: urls.migrationUrl,
  };
}

/** Starts an instance; several may share a database. */
export async function serveKeyManagement(
  database: KeysDatabase,
  env: Record<string, string> = {},
  eventLog: EventLog = new KeptLog(),
): Promise<RunningService> {
  const config = readEnvironment(variables, { ...(await environmentOf(database)), ...env });
  return serve(config, { eventLog, logger });
}

/** One instance on a database of its own for all tests of a suite. */
export class ServedForSuite {
  database!: KeysDatabase;
  service!: RunningService;

  constructor(env: Record<string, string> = {}) {
    beforeAll(async () => {
      this.database = await createKeysDatabase();
      this.service = await serveKeyManagement(this.database, env);
    });
    afterAll(async () => {
      await this.service.close();
      await this.database.drop();
    });
  }

  ask(method: string, path: string, asked?: Asked): Promise<Answer> {
    return ask(this.service, method, path, asked);
  }

  /** A new tenant's id, and the path of its keys. */
  async tenant(maxActiveKeys?: number): Promise<{ tenantId: string; keys: string }> {
    const tenantId = await registerTenant(this.service, maxActiveKeys);
    return { tenantId, keys: `/v1/tenants/${tenantId}/keys` };
  }
}

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- specs say what they expect in it
  body: any;
}

export interface Asked {
  body?: unknown;
  /** Sent as it is, instead of `body`. */
  raw?: string | Buffer;
  headers?: Record<string, string>;
}

/** What no answer may carry: stacks, paths, SQL, names and messages of drivers. */
const INTERNALS =
  /node_modules|\bat \S+ \(|\.[jt]s:\d|QueryFailed|TypeError|RangeError|typeorm|postgres|\bpg_|select |insert |relation |syntax|invalid input|constraint|jsonb|unicode escape|ECONN|127\.0\.0\.1/i;

/** Asks as the operator; throws when the answer shows internals, or says no in another form than problem+json. */
export async function ask(
  { httpUrl }: RunningService,
  method: string,
  path: string,
  { body, raw, headers = {} }: Asked = {},
): Promise<Answer> {
  const content = raw ?? (body === undefined ? undefined : JSON.stringify(body));
  const response = await fetch(`${httpUrl}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${OPERATOR_TOKEN}`,
      ...(content !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(content !== undefined && { body: content }),
  });
  const text = await response.text();
  const isProblem = response.headers.get('content-type')?.startsWith('application/problem+json') ?? false;
  if (response.status >= 400 && (!isProblem || INTERNALS.test(text))) {
    throw new Error(`${method} ${path} answered ${response.status} ${text}`);
  }
  const { status } = response;
  return { status, headers: response.headers, text, body: text === '' ? undefined : JSON.parse(text) };
}

/** A tenant with an id of its own. */
export async function registerTenant(service: RunningService, maxActiveKeys?: number): Promise<string> {
  const tenantId = `tenant-${crypto.randomUUID()}`;
  const { status } = await ask(service, 'PUT', `/v1/tenants/${tenantId}`, { body: { maxActiveKeys } });
  if (status !== 201) throw new Error(`registering ${tenantId} answered ${status}`);
  return tenantId;
}

/** The body of a create; `more` replaces and adds. */
export function keyBody(more: object = {}): object {
  return { name: 'a key', environment: 'live', scopes: ['read', 'write'], ...more };
}
