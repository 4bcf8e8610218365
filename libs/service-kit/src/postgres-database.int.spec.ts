import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { stackUrls } from '#libs/testing/stack';
import { createTestDatabase, type TestDatabase } from '#libs/testing/test-database';
import { createLogger } from './logger.js';
import { ALL_TENANTS, PostgresDatabase } from './postgres-database.js';

/** ReadyForQuery, outside of a transaction. */
const READY = Buffer.from('5a0000000549', 'hex');

/** ErrorResponse of a server whose postmaster was killed. */
const KILLED = (() => {
  const fields = Buffer.from('SFATAL\0VFATAL\0C57P01\0Mterminating connection\0\0');
  const head = Buffer.alloc(5, 'E');
  head.writeUInt32BE(fields.length + 4, 1);
  return Buffer.concat([head, fields]);
})();

describe('PostgresDatabase', () => {
  let test: TestDatabase;
  let proxy: Server;
  let database: PostgresDatabase;
  let killsNext: boolean;

  beforeEach(async () => {
    test = await createTestDatabase(stackUrls().databaseAdminUrl);
    killsNext = false;
    const upstream = new URL(test.adminUrl);
    proxy = createServer((client) => {
      const postgres = connect(Number(upstream.port), upstream.hostname);
      const kills = killsNext;
      killsNext = false;
      client.pipe(postgres);
      postgres.on('data', (chunk) => {
        // In one packet, so that both are read before anybody who waits for the connection is told of it.
        if (kills && chunk.subarray(-READY.length).equals(READY)) client.end(Buffer.concat([chunk, KILLED]));
        else client.write(chunk);
      });
      for (const end of [client, postgres]) end.on('error', () => undefined);
      client.on('close', () => postgres.destroy());
      postgres.on('close', () => client.destroy());
    }).listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    const url = new URL(test.adminUrl);
    url.port = String((proxy.address() as AddressInfo).port);
    database = new PostgresDatabase(
      {
        runtimeUrl: url.href,
        migrationUrl: url.href,
        schema: 'public',
        migrations: Promise.resolve(),
        connectionsMax: 2,
      },
      createLogger('test', 'silent'),
    );
    await database.ready;
  });
  afterEach(async () => {
    await database.close();
    proxy.close();
    await test.drop();
  });

  const select = () =>
    database.inTransaction(ALL_TENANTS, (transaction) => transaction.query('select 1 as one'));

  it('outlives a connection that is ended in the moment it is opened', async () => {
    await database.inTransaction(ALL_TENANTS, async () => {
      // The one connection there is is taken: this opens another.
      killsNext = true;
      await expect(select()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
      expect(killsNext).toBe(false);
    });
    expect(await select()).toEqual([{ one: 1 }]);
  });
});
