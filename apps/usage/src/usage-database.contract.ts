/** What the integration specs of usage share: a database of their own with both schemas, and events to count. */
import { Client } from 'pg';
import type { RequestEvent } from '#libs/contracts';
import type { EventLog } from '#libs/event-log';
import { LOG_MIGRATIONS, PostgresEventLog } from '#libs/event-log/postgres-event-log';
import { createLogger, type RoleUrls } from '#libs/service-kit';
import { bootstrapDatabase } from '#libs/service-kit/postgres-bootstrap';
import { PostgresDatabase } from '#libs/service-kit/postgres-database';
import { stackUrls } from '#libs/testing/stack';
import { createTestDatabase } from '#libs/testing/test-database';
import { CreateUsage1763800000000 } from './migrations/1763800000000-create-usage.js';

export const logger = createLogger('usage-test', process.env['LATCHKEY_LOG_LEVEL'] ?? 'silent');

/** Roles are the server's, so that all tests on it give them the same passwords. */
const PASSWORDS = {
  usage: { owner: 'latchkey_usage_owner', runtime: 'latchkey_usage' },
  log: { owner: 'latchkey_log_owner', runtime: 'latchkey_log' },
};

export interface UsageDatabase {
  /** Connected as the runtime role of `usage`. */
  database: PostgresDatabase;
  urls: RoleUrls;
  /** A log on the same server; closed with the database at the latest. */
  eventLog(): EventLog;
  /** As the superuser, whom row-level security does not hold. */
  sql<Row>(text: string, values?: unknown[]): Promise<Row[]>;
  /** Requests counted of each key of a tenant, over all time. */
  counted(tenantId: string): Promise<Map<string, number>>;
  /** Forgets all that was counted. */
  clear(): Promise<void>;
  close(): Promise<void>;
}

export async function openUsageDatabase(): Promise<UsageDatabase> {
  const test = await createTestDatabase(stackUrls().databaseAdminUrl);
  const { usage: urls, log: logUrls } = await bootstrapDatabase(test.adminUrl, PASSWORDS);
  const options = { ...urls, schema: 'usage', migrations: [CreateUsage1763800000000], connectionsMax: 8 };
  const database = new PostgresDatabase(options, logger);
  const logOptions = { ...logUrls, schema: 'log', migrations: LOG_MIGRATIONS, connectionsMax: 4 };
  const logDatabase = new PostgresDatabase(logOptions, logger);
  const admin = new Client({ connectionString: test.adminUrl });
  await Promise.all([database.ready, logDatabase.ready, admin.connect()]);
  const logs: EventLog[] = [];
  const sql = async <Row>(text: string, values: unknown[] = []): Promise<Row[]> =>
    (await admin.query(text, values)).rows as Row[];
  return {
    database,
    urls,
    sql,
    eventLog() {
      const log = new PostgresEventLog(
        { database: logDatabase, url: logUrls.runtimeUrl, retryPauseMs: 100 },
        logger,
      );
      logs.push(log);
      return log;
    },
    async counted(tenantId) {
      const rows = await sql<{ key_id: string; count: string }>(
        'select key_id, sum(count) as count from usage.request_counts where tenant_id = $1 group by key_id',
        [tenantId],
      );
      return new Map(rows.map(({ key_id, count }) => [key_id, Number(count)]));
    },
    async clear() {
      await sql(
        `truncate usage.request_counts, usage.key_activity, usage.known_keys, usage.reported_requests,
           usage.consumed_offsets, usage.reporters, usage.parked_events`,
      );
    },
    async close() {
      await Promise.all(logs.map((log) => log.close()));
      await Promise.all([database.close(), logDatabase.close(), admin.end()]);
      await test.drop();
    },
  };
}

/** A request whose key is its own, so that what was counted of the key tells of the request. */
export function requestEvent(id: string, fields: Partial<RequestEvent> = {}): RequestEvent {
  return {
    requestId: id,
    tenantId: 'acme',
    keyId: id,
    environment: 'live',
    outcome: 'VALID',
    status: null,
    route: '/v1/whoami',
    method: 'GET',
    caller: 'test',
    occurredAtMs: Date.UTC(2026, 10, 22, 10),
    reported: false,
    ...fields,
  };
}
