import { Redis } from 'ioredis';
import { Kafka, logLevel } from 'kafkajs';
import { Client } from 'pg';
import { eventually } from './eventually.js';
import { startPrivateStack, type PrivateStack } from './private-stack.js';
import { spawnNode } from './spawn-service.js';
import { createTestDatabase } from './test-database.js';

const TOPIC = 'kept';

function kafka(brokers: string): Kafka {
  return new Kafka({
    brokers: brokers.split(','),
    logLevel: logLevel.NOTHING,
    connectionTimeout: 1_000,
    retry: { retries: 5 },
  });
}

async function produce(brokers: string, value: string): Promise<void> {
  const producer = kafka(brokers).producer();
  try {
    await producer.connect();
    await producer.send({ topic: TOPIC, messages: [{ value }] });
  } finally {
    await producer.disconnect();
  }
}

async function consume(brokers: string, count: number): Promise<string[]> {
  const consumer = kafka(brokers).consumer({ groupId: `reader-${Math.random()}` });
  const values: string[] = [];
  await consumer.connect();
  await consumer.subscribe({ topic: TOPIC, fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message }) => void values.push(message.value?.toString() ?? ''),
  });
  try {
    await eventually(() => expect(values).toHaveLength(count), { timeoutMs: 30_000 });
  } finally {
    await consumer.disconnect();
  }
  return values;
}

async function withRedis<T>(url: string, use: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(url, { retryStrategy: () => null, disconnectTimeout: 100 });
  client.on('error', () => {});
  try {
    return await use(client);
  } finally {
    client.disconnect();
  }
}

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  client.on('error', () => {});
  try {
    await client.connect();
    return (await client.query({ text: sql, rowMode: 'array' })).rows.flat();
  } finally {
    await client.end();
  }
}

describe('a stack of a test’s own', () => {
  let stack: PrivateStack;
  let env: Record<'KAFKA_BROKERS' | 'REDIS_URL' | 'DATABASE_ADMIN_URL', string>;

  beforeAll(async () => {
    stack = await startPrivateStack(['kafka', 'redis', 'postgres']);
    env = stack.env as typeof env;
  }, 120_000);
  afterAll(async () => stack.stop(), 60_000);

  it('takes Kafka away and brings it back with its messages, after a stop and after kill -9', async () => {
    const admin = kafka(env.KAFKA_BROKERS).admin();
    await admin.connect();
    await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: 1 }] });
    await admin.disconnect();
    await produce(env.KAFKA_BROKERS, 'before');
    await stack.kafka.stop();
    await expect(produce(env.KAFKA_BROKERS, 'lost')).rejects.toBeInstanceOf(Error);
    await stack.kafka.start();
    await produce(env.KAFKA_BROKERS, 'between');
    await stack.kafka.kill();
    await stack.kafka.start();
    expect(await consume(env.KAFKA_BROKERS, 2)).toEqual(['before', 'between']);
  }, 120_000);

  it('takes Redis away and brings it back empty', async () => {
    await withRedis(env.REDIS_URL, (client) => client.set('key', 'value'));
    await stack.redis.kill();
    await expect(withRedis(env.REDIS_URL, (client) => client.ping())).rejects.toBeInstanceOf(Error);
    await stack.redis.start();
    expect(await withRedis(env.REDIS_URL, (client) => client.dbsize())).toBe(0);
    await stack.redis.stop();
    await stack.redis.start();
    expect(await withRedis(env.REDIS_URL, (client) => client.ping())).toBe('PONG');
  }, 60_000);

  it('takes PostgreSQL away and brings it back with its data, after a stop and after kill -9', async () => {
    const database = await createTestDatabase(env.DATABASE_ADMIN_URL);
    await query(database.adminUrl, 'create table kept as select 42 as answer');
    for (const action of ['stop', 'kill'] as const) {
      await stack.postgres[action]();
      await expect(query(database.adminUrl, 'select answer from kept')).rejects.toMatchObject({
        code: 'ECONNREFUSED',
      });
      await stack.postgres.start();
      expect(await query(database.adminUrl, 'select answer from kept')).toEqual([42]);
    }
    await database.drop();
    await expect(query(database.adminUrl, 'select 1')).rejects.toMatchObject({ code: '3D000' });
  }, 60_000);
});

describe('the stack’s servers', () => {
  it('are gone after kill -9 of the process that started them', async () => {
    const stack = spawnNode(['scripts/stack.mjs', '--private'], {});
    const url = async (name: string) =>
      (await stack.untilLine(new RegExp(`^${name}=`), 120_000)).slice(name.length + 1);
    const [brokers, redisUrl, databaseUrl] = [
      await url('KAFKA_BROKERS'),
      await url('REDIS_URL'),
      await url('DATABASE_ADMIN_URL'),
    ];
    expect(await query(databaseUrl, 'select 1')).toEqual([1]);
    expect(await withRedis(redisUrl, (client) => client.ping())).toBe('PONG');
    await stack.kill('SIGKILL');
    await eventually(
      async () => {
        await expect(fetch(`http://${brokers}`)).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } });
        await expect(withRedis(redisUrl, (client) => client.ping())).rejects.toBeInstanceOf(Error);
        await expect(query(databaseUrl, 'select 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
      },
      { timeoutMs: 30_000 },
    );
  }, 180_000);
});
