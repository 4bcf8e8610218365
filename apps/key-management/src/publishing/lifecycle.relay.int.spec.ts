import { randomBytes, randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import pg from 'pg';
import { Registry } from 'prom-client';
import { KEYS_TOPIC, type KeyMessage } from '#libs/contracts';
import { EventLog, type LogRecord, type Subscription } from '#libs/event-log';
import { LOG_MIGRATIONS, PostgresEventLog } from '#libs/event-log/postgres-event-log';
import { EVENTS_CHANNEL, PostgresEventStore } from '#libs/event-store/postgres-event-store';
import { RevisionSeal } from '#libs/fence';
import { RecordSeal } from '#libs/key-view';
import { bootstrapDatabase } from '#libs/service-kit/postgres-bootstrap';
import { PostgresDatabase } from '#libs/service-kit/postgres-database';
import { eventually } from '#libs/testing/eventually';
import { shippedProfiles } from '#libs/testing/shipped-profiles';
import { stackUrls } from '#libs/testing/stack';
import { createTestDatabase, type TestDatabase } from '#libs/testing/test-database';
import { ChangeRate } from '../commands/change-rate.js';
import { Idempotency } from '../commands/idempotency.js';
import type { FenceReceipt } from '../fencing/fence-ledger.js';
import { FencedChanges } from '../fencing/fenced-changes.js';
import { PostgresFenceLedger } from '../fencing/postgres-fence-ledger.js';
import { PostgresFenceLog } from '../fencing/postgres-fence-log.js';
import { Revisions } from '../fencing/revisions.js';
import { KeyCommands } from '../keys/key-commands.js';
import { KEYS_MIGRATIONS } from '../serve.js';
import { PostgresKeyReadModel } from '../read-model/postgres-key-read-model.js';
import type { Projected } from '../read-model/projected.js';
import { logger, PASSWORDS } from '../served-key-management.contract.js';
import { KeyEntity } from '../read-model/key.entity.js';
import { TenantEntity } from '../read-model/tenant.entity.js';
import { PostgresKeyReads } from '../read-model/postgres-key-reads.js';
import { TenantProfiles } from '../tenants/tenant-profiles.js';
import { TenantCommands } from '../tenants/tenant-commands.js';
import { LifecycleRelay } from './lifecycle.relay.js';
import { PostgresRelayLeadership } from './postgres-relay-leadership.js';

jest.setTimeout(60_000);

const seal = new RecordSeal([{ id: '1', key: Buffer.alloc(32, 1) }]);
const operator = {
  actor: { type: 'operator', id: 'operator' },
  sourceAddress: null,
  requestId: null,
  traceId: null,
  idempotencyKey: null,
};
const wish = {
  name: 'k',
  environment: 'live' as const,
  scopes: [],
  expiresAtMs: null,
  metadata: {},
  ceiling: null,
};

/** A log that may be told to break off in the middle of its next publishes, or to hold them. */
class UnreliableLog extends EventLog {
  failures = 0;
  private held: Promise<void> = Promise.resolve();
  /** Publishes that were begun. */
  begun = 0;

  constructor(private readonly log: EventLog) {
    super();
  }

  /** Publishes wait from now on, until what it answers is called. */
  hold(): () => void {
    const gate = new EventEmitter();
    this.held = once(gate, 'open').then(() => undefined);
    return () => gate.emit('open');
  }

  override async publish(topic: string, records: readonly LogRecord[]): Promise<void> {
    this.begun += 1;
    await this.held;
    if (this.failures === 0) return this.log.publish(topic, records);
    this.failures -= 1;
    await this.log.publish(topic, records.slice(0, Math.ceil(records.length / 2)));
    throw new Error('the connection broke');
  }
  override declare = (...args: Parameters<EventLog['declare']>) => this.log.declare(...args);
  override check = () => this.log.check();
  override subscribe = (): Promise<Subscription> => Promise.reject(new Error('not asked for'));
  override close = () => this.log.close();
}

const nowMs = () => Date.now();
const rate = new ChangeRate(100_000, nowMs);

const NO_WISH = { name: undefined, maxActiveKeys: undefined, profile: undefined, plan: undefined };

describe('LifecycleRelay on PostgreSQL', () => {
  let test: TestDatabase;
  let admin: pg.Pool;
  let logDatabase: PostgresDatabase;
  let keysUrls: { runtimeUrl: string; migrationUrl: string };
  let postgresLog: PostgresEventLog;
  const databases: PostgresDatabase[] = [];
  const relays: LifecycleRelay[] = [];
  let tenantId: string;
  let store: PostgresEventStore<Projected, FenceReceipt>;
  let fenced: FencedChanges;
  let commands: KeyCommands;

  beforeAll(async () => {
    test = await createTestDatabase(stackUrls().databaseAdminUrl);
    const log = { owner: 'latchkey_log_owner', runtime: 'latchkey_log' };
    const urls = await bootstrapDatabase(test.adminUrl, { ...PASSWORDS, log });
    keysUrls = urls.keys;
    logDatabase = new PostgresDatabase(
      { ...urls.log, schema: 'log', migrations: LOG_MIGRATIONS, connectionsMax: 5 },
      logger,
    );
    await logDatabase.ready;
    postgresLog = new PostgresEventLog({ database: logDatabase, url: urls.log.runtimeUrl }, logger);
    admin = new pg.Pool({ connectionString: test.adminUrl });
    const database = await connect();
    store = new PostgresEventStore(database, new PostgresKeyReadModel(), new PostgresFenceLog());
    const revisions = new Revisions(new RevisionSeal([{ key: Buffer.alloc(32, 7) }]));
    fenced = new FencedChanges(new PostgresFenceLedger(database), revisions, nowMs);
    const reads = new PostgresKeyReads(database, store);
    const tenants = new TenantProfiles(reads, shippedProfiles);
    commands = new KeyCommands(store, new Idempotency(store), fenced, rate, tenants, { nowMs, randomBytes });
  });

  afterAll(async () => {
    await postgresLog.close();
    await Promise.all([logDatabase, ...databases].map((database) => database.close()));
    await admin.end();
    await test.drop();
  });

  beforeEach(async () => {
    tenantId = `tenant-${randomUUID()}`;
    await new TenantCommands(store, fenced, rate, shippedProfiles, nowMs).register(
      tenantId,
      NO_WISH,
      operator,
    );
  });

  afterEach(async () => {
    await Promise.all(relays.splice(0).map((relay) => relay.close()));
  });

  async function connect(): Promise<PostgresDatabase> {
    const database = new PostgresDatabase(
      {
        ...keysUrls,
        schema: 'keys',
        migrations: KEYS_MIGRATIONS,
        entities: [KeyEntity, TenantEntity],
        connectionsMax: 5,
      },
      logger,
    );
    databases.push(database);
    await database.ready;
    return database;
  }

  /** A relay of a process of its own. */
  async function startRelay(log: EventLog = postgresLog): Promise<LifecycleRelay> {
    const leadership = new PostgresRelayLeadership(await connect(), EVENTS_CHANNEL);
    const relay = new LifecycleRelay(store, leadership, log, seal, logger, new Registry());
    relays.push(relay);
    void relay.start();
    return relay;
  }

  /** Makes keys and rotates each so often; answers their ids. */
  async function makeKeys(count: number, rotations: number): Promise<string[]> {
    return Promise.all(
      Array.from({ length: count }, async () => {
        const { resource: key } = await commands.create(tenantId, wish, operator);
        for (let i = 0; i < rotations; i += 1) {
          await commands.rotate(
            tenantId,
            key.id,
            { graceSeconds: 0, retirePrevious: false, ceiling: null },
            operator,
          );
        }
        return key.id;
      }),
    );
  }

  /** Versions of a key's messages in the log, in their order. */
  async function versionsOf(keyId: string): Promise<number[]> {
    const { rows } = await admin.query<{ value: Buffer }>(
      `select value from log.records where topic = $1 and key = $2 order by partition, "offset"`,
      [KEYS_TOPIC, keyId],
    );
    return rows.map(({ value }) => (JSON.parse(value.toString()) as KeyMessage).version);
  }

  async function expectPublished(keyIds: readonly string[], versions: number[]): Promise<void> {
    await eventually(
      async () => expect(await Promise.all(keyIds.map(versionsOf))).toEqual(keyIds.map(() => versions)),
      { timeoutMs: 20_000 },
    );
  }

  /** Each version is there, and the first time it is there it comes after those before it. */
  async function expectNothingLost(keyIds: readonly string[], versions: number[]): Promise<void> {
    await eventually(
      async () => {
        const published = await Promise.all(keyIds.map(versionsOf));
        expect(published.map((all) => [...new Set(all)])).toEqual(keyIds.map(() => versions));
        expect(published.map((all) => all[all.length - 1])).toEqual(keyIds.map(() => versions.length));
      },
      { timeoutMs: 20_000 },
    );
  }

  async function checkpoint(): Promise<number> {
    const { rows } = await admin.query('select position from keys.relay_checkpoint');
    return Number(rows[0].position);
  }

  async function lastPosition(): Promise<number> {
    const { rows } = await admin.query('select max(position) as last from keys.events');
    return Number(rows[0].last);
  }

  /** The one connection that holds the lead. */
  async function leadingPid(): Promise<number> {
    return eventually(async () => {
      const { rows } = await admin.query(
        `select pid from pg_locks where locktype = 'advisory' and granted
           and database = (select oid from pg_database where datname = current_database())
           and classid = (hashtext('latchkey relay')::bigint >> 32 & 4294967295)::text::oid
           and objid = (hashtext('latchkey relay')::bigint & 4294967295)::text::oid`,
      );
      expect(rows).toHaveLength(1);
      return rows[0].pid as number;
    });
  }

  it('publishes what was there before it and what comes after, each once and in order per key', async () => {
    const before = await makeKeys(3, 2);
    await startRelay();
    const after = await makeKeys(3, 2);
    await expectPublished([...before, ...after], [1, 2, 3]);
  });

  it('goes on from the checkpoint after a restart', async () => {
    const relay = await startRelay();
    const keyIds = await makeKeys(2, 1);
    await expectPublished(keyIds, [1, 2]);
    await eventually(async () => expect(await checkpoint()).toBe(await lastPosition()));
    await relay.close();
    const later = await makeKeys(2, 1);
    await startRelay();
    await expectPublished(later, [1, 2]);
    await expectPublished(keyIds, [1, 2]);
  });

  it('loses nothing when publishing breaks off in the middle, and again', async () => {
    const keyIds = await makeKeys(6, 3);
    const log = new UnreliableLog(postgresLog);
    log.failures = 2;
    await startRelay(log);
    await expectNothingLost(keyIds, [1, 2, 3, 4]);
    expect(log.failures).toBe(0);
  });

  it('lets one of several lead, and another follow when it is closed', async () => {
    const first = await startRelay();
    await leadingPid();
    const log = new UnreliableLog(postgresLog);
    await startRelay(log);
    const keyIds = await makeKeys(2, 0);
    await expectPublished(keyIds, [1]);
    expect(log.begun).toBe(0);
    await first.close();
    const later = await makeKeys(2, 0);
    await expectPublished(later, [1]);
    expect(log.begun).toBeGreaterThan(0);
  });

  it('follows a leader whose connection is lost while it publishes, and the leader notices', async () => {
    const stuck = new UnreliableLog(postgresLog);
    const release = stuck.hold();
    const first = await startRelay(stuck);
    const pid = await leadingPid();
    const keyIds = await makeKeys(2, 1);
    await eventually(() => expect(stuck.begun).toBe(1));
    await startRelay();
    await admin.query('select pg_terminate_backend($1)', [pid]);
    await expectPublished(keyIds, [1, 2]);
    expect(await leadingPid()).not.toBe(pid);
    await eventually(async () => expect(await checkpoint()).toBe(await lastPosition()));
    const published = await checkpoint();
    release();
    await first.close();
    expect(await checkpoint()).toBe(published);
    const later = await makeKeys(1, 1);
    await expectPublished(later, [1, 2]);
  });

  it('leads again after its connection was lost while it had nothing to do', async () => {
    await startRelay();
    const pid = await leadingPid();
    await admin.query('select pg_terminate_backend($1)', [pid]);
    const keyIds = await makeKeys(2, 0);
    await expectNothingLost(keyIds, [1]);
  });

  it('finishes the batch in hand when it is closed', async () => {
    const log = new UnreliableLog(postgresLog);
    const release = log.hold();
    const keyIds = await makeKeys(1, 0);
    const relay = await startRelay(log);
    await eventually(() => expect(log.begun).toBe(1));
    const closed = relay.close();
    release();
    await closed;
    expect(await Promise.all(keyIds.map(versionsOf))).toEqual([[1]]);
    expect(await checkpoint()).toBe(await lastPosition());
  });

  it('can be closed while the log has not answered yet', async () => {
    const away = new UnreliableLog(postgresLog);
    away.declare = () => new Promise<never>(() => undefined);
    const relay = await startRelay(away);
    await expect(relay.close()).resolves.toBeUndefined();
  });
});
