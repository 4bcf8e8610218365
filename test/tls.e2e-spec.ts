import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { pino } from 'pino';
import { KafkaEventLog } from '#libs/event-log/kafka-event-log';
import { RedisKeyView } from '#libs/key-view/redis-key-view';
import { createLogger, type RoleUrls } from '#libs/service-kit';
import type { EmbeddedPostgres } from '#libs/service-kit/embedded-postgres';
import { PostgresDatabase } from '#libs/service-kit/postgres-database';
import { eventually } from '#libs/testing/eventually';
import { composeFile } from './deployment/compose-file.js';
import { type DeployedBroker, startDeployedBroker } from './deployment/deployed-broker.js';
import { startDeployedPostgres } from './deployment/deployed-postgres.js';
import { type DeployedRedis, startDeployedRedis } from './deployment/deployed-redis.js';
import { makeCertificates, makeSecrets } from './deployment/deployment-scripts.js';

jest.setTimeout(120_000);

const logger = createLogger('test', 'silent');

describe('TLS with the certificates of the deployment', () => {
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-tls-'));
  const secrets = join(directory, 'secrets');
  const authority = join(secrets, 'tls-ca.pem');
  const foreignAuthority = join(directory, 'foreign', 'tls-ca.pem');
  const secret = (name: string) => readFileSync(join(secrets, name), 'utf8').trim();

  beforeAll(async () => {
    await makeSecrets(secrets);
    await makeCertificates(secrets);
    await makeCertificates(join(directory, 'foreign'));
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  describe('to PostgreSQL', () => {
    let server: EmbeddedPostgres;
    let urls: RoleUrls;

    function databaseWith(tlsCaFile: string | undefined, warnings: string[], query = ''): PostgresDatabase {
      const [runtimeUrl, migrationUrl] = [urls.runtimeUrl + query, urls.migrationUrl + query];
      return new PostgresDatabase(
        { runtimeUrl, migrationUrl, schema: 'keys', migrations: [], connectionsMax: 2, tlsCaFile },
        pino({ level: 'warn' }, { write: (line) => void warnings.push(line) }),
      );
    }

    beforeAll(async () => {
      server = await startDeployedPostgres(join(directory, 'postgres'), secrets);
      const here = (name: string) =>
        secret(name).replace('postgres:5432/latchkey', `127.0.0.1:${server.port}/postgres`);
      urls = {
        runtimeUrl: here('database-url-latchkey_keys'),
        migrationUrl: here('database-url-latchkey_keys_owner'),
      };
    });
    afterAll(() => server.stop());

    it('connects the role that migrates and the one that works', async () => {
      const database = databaseWith(authority, []);
      await database.ready;
      const [row] = await database.dataSource.query<{ ssl: boolean }[]>(
        'select ssl from pg_stat_ssl where pid = pg_backend_pid()',
      );
      expect(row).toEqual({ ssl: true });
      await database.close();
    });

    it.each(['?sslmode=disable', '?ssl=0', '?sslmode=no-verify'])(
      'asks for TLS and the right certificate also where a URL says %s',
      async (query) => {
        const database = databaseWith(authority, [], query);
        await database.ready;
        await database.close();
        const warnings: string[] = [];
        const deceived = databaseWith(foreignAuthority, warnings, query);
        await eventually(() => expect(warnings.join()).toMatch(/certificate/));
        await deceived.close();
      },
    );

    it.each([
      ['does not believe a server that another authority vouches for', foreignAuthority, /certificate/],
      ['is not there without TLS', undefined, /no encryption/],
    ])('%s', async (_, tlsCaFile, reason) => {
      const warnings: string[] = [];
      const database = databaseWith(tlsCaFile, warnings);
      await eventually(() => expect(warnings.join()).toMatch(reason));
      await database.close();
    });
  });

  describe('to Redis', () => {
    let server: DeployedRedis;

    function viewWith(tlsCaFile: string, errors: string[], url = secret('redis-url-auth-verifier-tls')) {
      const { port } = server;
      return new RedisKeyView({
        url: url.replace('redis:6379', `127.0.0.1:${port}`),
        cluster: false,
        tlsCaFile,
        onAway: (error) => errors.push(String(error)),
      });
    }

    beforeAll(async () => {
      server = await startDeployedRedis(directory, secrets, composeFile('deploy/docker-compose.tls.yml'));
    });
    afterAll(() => server.stop());

    it('reads and writes the view', async () => {
      const view = viewWith(authority, []);
      await eventually(() => view.check());
      const record = { json: '{}', sealKeyId: 'k', seal: 's' };
      expect(await view.put({ kind: 'secret', id: 'd' }, 1, record)).toBe(true);
      expect(await view.find([{ kind: 'secret', id: 'd' }])).toEqual([record]);
      await view.close();
    });

    it('does not believe a server that another authority vouches for', async () => {
      const errors: string[] = [];
      const view = viewWith(foreignAuthority, errors);
      await eventually(() => expect(errors.join()).toMatch(/certificate/));
      await expect(view.check()).rejects.toThrow(/away/);
      await view.close();
    });

    it('is not there without TLS', async () => {
      const errors: string[] = [];
      const view = viewWith('', errors, secret('redis-url-auth-verifier'));
      await eventually(() => expect(errors).not.toEqual([]));
      await expect(view.check()).rejects.toThrow(/away/);
      await view.close();
    });
  });

  describe('to Kafka', () => {
    let broker: DeployedBroker;

    function logWith(tlsCaFile: string): KafkaEventLog {
      return new KafkaEventLog(
        {
          clientId: 'api',
          brokers: [broker.address],
          username: 'api',
          password: secret('kafka-password-api'),
          tlsCaFile,
          replicationFactor: 1,
          minInSyncReplicas: 1,
        },
        logger,
      );
    }

    beforeAll(async () => {
      broker = await startDeployedBroker(join(directory, 'kafka'), secrets);
      await broker.applyAccessList();
    });
    afterAll(() => broker.stop());

    it('publishes', async () => {
      const log = logWith(authority);
      await log.declare([{ name: 'latchkey.requests.v1', partitions: 2, cleanup: 'delete' }]);
      await log.publish('latchkey.requests.v1', [{ key: 'k', value: Buffer.from('v'), headers: {} }]);
      await expect(log.check()).resolves.toBeUndefined();
      await log.close();
    });

    it('does not believe a broker that another authority vouches for', async () => {
      const log = logWith(foreignAuthority);
      await expect(log.check()).rejects.toThrow(/certificate/);
      await log.close();
    });

    it('is not there without TLS', async () => {
      const log = logWith('');
      await expect(log.check()).rejects.toThrow(/closed|reset|disconnect|timed? ?out|connection/i);
      await log.close();
    });
  });
});
