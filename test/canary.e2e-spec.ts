import { randomBytes, randomUUID } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { KEYS_TOPIC } from '#libs/contracts';
import { digestOf } from '#libs/key-secret';
import { eventually } from '#libs/testing/eventually';
import { APPS, type LatchkeyProcesses, startLatchkeyProcesses } from '#libs/testing/latchkey-processes';
import { type PrivateStack, startPrivateStack } from '#libs/testing/private-stack';
import { profilesDirectoryWith } from '#libs/testing/profiles-directory';
import { spawnService } from '#libs/testing/spawn-service';
import {
  canary,
  issueKeys,
  KEYS_PATH,
  LEGACY_PATTERN,
  misplaceSecrets,
  showSecrets,
  TENANT,
  WISH,
} from './canary/journey.js';
import { secretsIn } from './canary/needles.js';
import { textOfDatabase, textOfFiles, textOfKafka, textOfRedis } from './canary/surfaces.js';
import { WatchingClient } from './canary/watching-client.js';
import { Accounts } from './faults/accounts.js';
import { kafkaOf } from './faults/kafka-topics.js';
import { readinessOf, untilAllReady } from './faults/run-under-load.js';

jest.setTimeout(150_000);

const TRACE_ID = randomBytes(16).toString('hex');

describe('a secret', () => {
  const profiles = profilesDirectoryWith(LEGACY_PATTERN);
  let stack: PrivateStack;
  let latchkey: LatchkeyProcesses;
  let accounts: Accounts;
  let client: WatchingClient;
  /** What was written anywhere, gathered while it was there. */
  const spools: string[] = [];
  const failedStarts: string[] = [];

  beforeAll(async () => {
    stack = await startPrivateStack(['kafka', 'redis', 'postgres']);
    latchkey = await startLatchkeyProcesses(stack.env, {
      databasePasswords: {
        keys: { owner: canary('keys-owner-'), runtime: canary('keys-runtime-') },
        usage: { owner: canary('usage-owner-'), runtime: canary('usage-runtime-') },
        api: { owner: canary('api-owner-'), runtime: canary('api-runtime-') },
      },
      environment: {
        LATCHKEY_LOG_LEVEL: 'trace',
        LATCHKEY_PROFILES_DIR: profiles,
        GRPC_TRACE: 'all',
        GRPC_VERBOSITY: 'DEBUG',
      },
    });
    accounts = new Accounts(latchkey, stack.env['KAFKA_BROKERS'] as string);
    client = new WatchingClient(latchkey, TRACE_ID);
    await issueKeys(latchkey, client);
    client.secrets['operator token'] = latchkey.operatorToken;
    client.secrets['service token'] = latchkey.serviceToken;
    await showSecrets(latchkey, client);
    await misplaceSecrets(latchkey, client);
    Object.assign(client.secrets, configuredSecrets());
    await provokeFaults();
    await withoutEachServer();
    await startWithMistakes();
    for (const url of Object.values(latchkey.httpUrls)) {
      for (const path of ['/metrics', '/openapi.json', '/health/ready', '/docs'])
        await client.ask(url + path, undefined);
    }
  });

  afterAll(async () => {
    try {
      await latchkey?.stop();
    } finally {
      await stack?.stop();
      rmSync(profiles, { recursive: true });
    }
  });

  /** What the services themselves are given to keep. */
  function configuredSecrets(): Record<string, string> {
    const configured: Record<string, string> = {};
    for (const [app, environment] of Object.entries(latchkey.environments)) {
      configured['seal key'] = (environment['LATCHKEY_SEAL_KEYS'] ?? '').split(':')[1] as string;
      for (const entry of (environment['LATCHKEY_SERVICE_TOKENS'] ?? '').split(',')) {
        const [name, token] = entry.split(':');
        configured[`service token of ${name}`] = token as string;
      }
      for (const variable of ['DATABASE_URL', 'DATABASE_MIGRATION_URL']) {
        const url = environment[variable];
        if (url !== undefined) configured[`password in ${variable} of ${app}`] = new URL(url).password;
      }
    }
    return configured;
  }

  /** Internal errors, by taking rights away that the service counts on. */
  async function provokeFaults(): Promise<void> {
    const { apiUrl, managementUrl, operatorToken } = latchkey;
    const secret = client.secrets['rotated key'] as string;
    await accounts.rows('revoke insert on keys.keys from latchkey_keys');
    await accounts.rows('revoke select on keys.secrets from latchkey_keys');
    const fault = await client.ask(managementUrl + KEYS_PATH, operatorToken, 'POST', WISH);
    expect(fault.status).toBe(500);
    const { errorId } = JSON.parse(fault.text) as { errorId: string };
    await client.ask(`${apiUrl}/v1/keys`, secret, 'POST', { ...WISH, scopes: ['read'] });
    const redis = new Redis(stack.env['REDIS_URL'] as string);
    await redis.del(`lk:d:${digestOf(secret)}`);
    redis.disconnect();
    await client.verify(secret);
    await accounts.rows('grant insert on keys.keys to latchkey_keys');
    await accounts.rows('grant select on keys.secrets to latchkey_keys');
    expect(latchkey.output().some((line) => line.includes(errorId))).toBe(true);
  }

  /** Every server away once, with requests meanwhile; the spools are read while they hold something. */
  async function withoutEachServer(): Promise<void> {
    const goOn = async () => {
      for (const name of ['rotated key', 'imported key', 'revoked key']) {
        const secret = client.secrets[name] as string;
        await client.verify(secret);
        await client.ask(`${latchkey.apiUrl}/v1/whoami`, secret);
        await client.ask(`${latchkey.apiUrl}/v1/keys`, secret);
      }
      await client.ask(
        `${latchkey.managementUrl}${KEYS_PATH}/key_x/revoke`,
        latchkey.operatorToken,
        'POST',
        {},
      );
    };
    await stack.redis.kill();
    await goOn();
    await stack.redis.start();
    await stack.postgres.stop();
    await eventually(async () => expect((await readinessOf(latchkey, 'usage')).down).toContain('postgres'));
    await goOn();
    await stack.postgres.start();
    await stack.kafka.stop();
    await goOn();
    await latchkey.process('auth-verifier').kill('SIGKILL');
    spools.push(textOfFiles(latchkey.dataDirectory));
    await stack.kafka.start();
    await latchkey.start('auth-verifier');
    await untilAllReady(latchkey);
    await accounts.settled();
  }

  /** Starts that fail for their configuration, each with a secret where it can't be read. */
  async function startWithMistakes(): Promise<void> {
    const secret = (client.secrets['secret in a wrong configuration'] = canary('misplaced-'));
    const mistakes: Record<string, string> = {
      LATCHKEY_OPERATOR_TOKEN: 'too-short',
      LATCHKEY_SERVICE_TOKENS: `api ${secret} verify`,
      LATCHKEY_SEAL_KEYS: secret,
      LATCHKEY_SERVICE_TOKEN: `${secret}é`,
      DATABASE_URL: `http://latchkey:${secret}@localhost/x`,
      DATABASE_MIGRATION_URL: `latchkey:${secret}`,
      REDIS_URL: `http://:${secret}@localhost`,
    };
    for (const app of APPS) {
      const started = spawnService(app, { ...latchkey.environments[app], ...mistakes });
      expect([app, (await started.exited).code]).toEqual([app, 78]);
      failedStarts.push(...started.stdout, ...started.stderr);
    }
  }

  /** Everything that is kept or shown anywhere. */
  async function surfaces(): Promise<Record<string, string>> {
    return {
      answers: client.answers.join('\n'),
      output: latchkey.output().join('\n'),
      'output of failed starts': failedStarts.join('\n'),
      'spools while Kafka was away': spools.join('\n'),
      files: textOfFiles(latchkey.dataDirectory),
      Kafka: await textOfKafka(stack.env['KAFKA_BROKERS'] as string),
      Redis: await textOfRedis(stack.env['REDIS_URL'] as string),
      database: await textOfDatabase(latchkey.databaseAdminUrl),
    };
  }

  const leaks = async () =>
    Object.entries(await surfaces()).flatMap(([surface, text]) =>
      secretsIn(text, client.secrets).map((name) => `${name} in ${surface}`),
    );

  it('is nowhere but in the one answer that shows it, whatever went right or wrong', async () => {
    expect(Object.keys(client.secrets).length).toBeGreaterThan(15);
    expect(await leaks()).toEqual([]);
  });

  it('was looked for where everything else of its key is', async () => {
    const text = await surfaces();
    const known = {
      [TENANT]: ['answers', 'spools while Kafka was away', 'Kafka', 'Redis', 'database'],
      [TRACE_ID]: ['output', 'database'],
    };
    for (const [word, places] of Object.entries(known)) {
      for (const place of places)
        expect([word, place, text[place]?.includes(word)]).toEqual([word, place, true]);
    }
    for (const service of APPS) expect(text['output']).toContain(`"service":"${service}"`);
    expect(text['output']).toContain('"level":"debug"');
    expect(text['output of failed starts']).toContain('LATCHKEY_SEAL_KEYS');
  });

  it('is found wherever one is put, also encoded', async () => {
    const secret = client.secrets['created key'] as string;
    const directory = join(latchkey.dataDirectory, 'control');
    mkdirSync(directory);
    writeFileSync(join(directory, 'control'), `x${secret}`);
    const redis = new Redis(stack.env['REDIS_URL'] as string);
    await redis.hset('control', 'field', Buffer.from(`xy${secret}`).toString('base64'));
    redis.disconnect();
    const producer = kafkaOf(stack.env['KAFKA_BROKERS'] as string).producer();
    await producer.connect();
    await producer.send({
      topic: KEYS_TOPIC,
      messages: [
        { key: randomUUID(), value: '{}', headers: { control: Buffer.from(secret).toString('base64url') } },
      ],
    });
    await producer.disconnect();
    const database = new Client({ connectionString: latchkey.databaseAdminUrl });
    await database.connect();
    await database.query('create table public.control (bytes bytea)');
    await database.query('insert into public.control values ($1)', [Buffer.from(`z${secret}`)]);
    client.answers.push(secret);
    failedStarts.push(`DATABASE_URL is wrong: "${secret}"`);
    spools.push(JSON.stringify({ secret }));
    try {
      expect((await leaks()).toSorted()).toEqual(
        [
          'Kafka',
          'Redis',
          'answers',
          'database',
          'files',
          'output of failed starts',
          'spools while Kafka was away',
        ].map((surface) => `created key in ${surface}`),
      );
    } finally {
      await database.end();
      rmSync(directory, { recursive: true });
    }
  });
});
