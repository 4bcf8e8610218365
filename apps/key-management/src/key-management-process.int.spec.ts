import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import pg from 'pg';
import { eventually } from '#libs/testing/eventually';
import { freePort } from '#libs/testing/free-port';
import { type SpawnedProcess, spawnService } from '#libs/testing/spawn-service';
import {
  createKeysDatabase,
  environmentOf,
  type KeysDatabase,
  OPERATOR_TOKEN,
} from './served-key-management.contract.js';

jest.setTimeout(60_000);

describe('key-management as a process', () => {
  let database: KeysDatabase;
  let admin: pg.Client;
  const processes: SpawnedProcess[] = [];
  const servers: Server[] = [];

  beforeAll(async () => {
    database = await createKeysDatabase();
    admin = new pg.Client({ connectionString: database.adminUrl });
    await admin.connect();
  });

  afterEach(async () => {
    await Promise.all(processes.splice(0).map((process) => process.kill('SIGKILL')));
    for (const server of servers.splice(0)) server.close();
  });

  afterAll(async () => {
    await admin.end();
    await database.drop();
  });

  /** Kafka is away: nobody listens at that port, and nothing here needs it. */
  async function start(env: Record<string, string> = {}): Promise<{ process: SpawnedProcess; port: number }> {
    const port = await freePort();
    const kafka = { KAFKA_BROKERS: `127.0.0.1:${await freePort()}` };
    const own = { LATCHKEY_MANAGEMENT_PORT: String(port) };
    const process = spawnService('key-management', {
      ...(await environmentOf(database)),
      ...kafka,
      ...own,
      ...env,
    });
    processes.push(process);
    return { process, port };
  }

  async function takenPort(): Promise<string> {
    const server = createServer().listen(0, '127.0.0.1');
    servers.push(server);
    await once(server, 'listening');
    return String((server.address() as AddressInfo).port);
  }

  const output = ({ stdout, stderr }: SpawnedProcess) => [...stdout, ...stderr].join('\n');

  it('prints every problem of its configuration and exits 78 before anything listens', async () => {
    const { process, port } = await start({
      LATCHKEY_MANAGEMENT_GRPC_PORT: '70000',
      LATCHKEY_OPERATOR_TOKEN: 'hunter2',
      LATCHKEY_SERVICE_TOKENS: 'api:shorttoken:everything',
      LATCHKEY_SEAL_KEYS: '1:c2hvcnQ=',
      LATCHKEY_TRUSTED_PROXIES: 'proxy.example',
      DATABASE_URL: 'mysql://root:letmein@db/keys',
      DATABASE_MIGRATION_URL: '',
      KAFKA_BROKERS: '',
    });
    expect(await process.exited).toEqual({ code: 78, signal: null });
    for (const variable of [
      'LATCHKEY_MANAGEMENT_GRPC_PORT',
      'LATCHKEY_OPERATOR_TOKEN',
      'LATCHKEY_SERVICE_TOKENS',
      'LATCHKEY_SEAL_KEYS',
      'LATCHKEY_TRUSTED_PROXIES',
      'DATABASE_URL',
      'DATABASE_MIGRATION_URL',
      'KAFKA_BROKERS',
    ]) {
      expect(process.stderr.filter((line) => line.includes(`- ${variable} `))).toHaveLength(1);
    }
    expect(output(process)).not.toMatch(/listening|hunter2|shorttoken|c2hvcnQ|letmein/);
    await expect(fetch(`http://127.0.0.1:${port}/health/live`)).rejects.toThrow('fetch failed');
  });

  it.each(['LATCHKEY_MANAGEMENT_PORT', 'LATCHKEY_MANAGEMENT_GRPC_PORT'])(
    'ends with an error that names %s when its port is taken',
    async (variable) => {
      const taken = await takenPort();
      const { process } = await start({ [variable]: taken });
      expect(await process.exited).toEqual({ code: 1, signal: null });
      expect(process.stderr.join('\n')).toContain(`${variable}: port ${taken} on 127.0.0.1 is taken`);
    },
  );

  it('ends with an error that names LATCHKEY_BIND_HOST when that is no address of this machine', async () => {
    // An address for documents alone: no machine has it.
    const { process } = await start({ LATCHKEY_BIND_HOST: '192.0.2.1' });
    expect(await process.exited).toEqual({ code: 1, signal: null });
    expect(process.stderr.join('\n')).toContain(
      'LATCHKEY_BIND_HOST: 192.0.2.1 is no address of this machine',
    );
  });

  it('finishes what is in hand and exits 0 on SIGTERM', async () => {
    const { process, port } = await start();
    await process.untilReady(port, { path: '/health/live' });
    const url = `http://127.0.0.1:${port}/v1/tenants/acme`;
    const headers = { authorization: `Bearer ${OPERATOR_TOKEN}`, 'content-type': 'application/json' };
    await eventually(async () => {
      expect((await fetch(url, { method: 'PUT', headers, body: '{}' })).ok).toBe(true);
    });
    const blocker = new pg.Client({ connectionString: database.adminUrl });
    await blocker.connect();
    await blocker.query('begin');
    await blocker.query('select 1 from keys.tenants for update');
    const body = JSON.stringify({ name: 'late', environment: 'live', scopes: [] });
    const answer = fetch(`${url}/keys`, { method: 'POST', headers, body });
    await eventually(async () => {
      const { rows } = await admin.query(
        `select 1 from pg_stat_activity where usename = 'latchkey_keys' and wait_event_type = 'Lock'
           and datname = current_database()`,
      );
      expect(rows).toHaveLength(1);
    });
    const ended = process.kill('SIGTERM');
    await eventually(async () => {
      await expect(fetch(`http://127.0.0.1:${port}/health/live`)).rejects.toThrow('fetch failed');
    });
    await blocker.query('commit');
    await blocker.end();
    expect((await answer).status).toBe(201);
    expect(await ended).toEqual({ code: 0, signal: null });
  });

  it('refuses a database that newer code has migrated', async () => {
    const newer = await createKeysDatabase();
    const client = new pg.Client({ connectionString: newer.urls.migrationUrl });
    await client.connect();
    try {
      await client.query(
        'create table keys.migrations (id serial primary key, timestamp bigint, name varchar)',
      );
      await client.query(`insert into keys.migrations (timestamp, name) values (9, 'FromTheFuture9')`);
      const { process } = await start({
        DATABASE_URL: newer.urls.runtimeUrl,
        DATABASE_MIGRATION_URL: newer.urls.migrationUrl,
      });
      expect(await process.exited).toEqual({ code: 1, signal: null });
      expect(process.stderr.join('\n')).toContain('FromTheFuture9');
    } finally {
      await client.end();
      await newer.drop();
    }
  });
});
