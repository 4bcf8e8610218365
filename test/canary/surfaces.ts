import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { Client, escapeIdentifier } from 'pg';
import { kafkaOf, recordsOf } from '../faults/kafka-topics.js';

/** Everything that Kafka keeps: of every topic the keys, headers and values. */
export async function textOfKafka(brokers: string): Promise<string> {
  const admin = kafkaOf(brokers).admin();
  await admin.connect();
  const topics = (await admin.listTopics()).filter((topic) => topic !== '__consumer_offsets');
  await admin.disconnect();
  const texts: string[] = [];
  for (const topic of topics) {
    for (const { key, value, headers } of await recordsOf(brokers, topic)) {
      const named = Object.entries(headers ?? {}).map(([name, text]) => `${name}: ${String(text)}`);
      texts.push([topic, String(key), ...named, String(value)].join('\n'));
    }
  }
  return texts.join('\n');
}

/** Every key of Redis with its value, whatever its type. */
export async function textOfRedis(url: string): Promise<string> {
  const redis = new Redis(url);
  try {
    const keys = await redis.keys('*');
    const texts: string[] = [];
    for (const key of keys) {
      const isString = (await redis.type(key)) === 'string';
      texts.push(`${key}\n${isString ? await redis.get(key) : await redis.dump(key)}`);
    }
    return texts.join('\n');
  } finally {
    redis.disconnect();
  }
}

/** Every row of every table that is not PostgreSQL's own, as JSON; bytes are in hexadecimal there. */
export async function textOfDatabase(adminUrl: string): Promise<string> {
  const client = new Client({ connectionString: adminUrl });
  await client.connect();
  try {
    const { rows: tables } = await client.query<{ schema: string; name: string }>(
      `select schemaname as schema, tablename as name from pg_tables
       where schemaname not in ('pg_catalog', 'information_schema')`,
    );
    const texts: string[] = [];
    for (const { schema, name } of tables) {
      const table = `${escapeIdentifier(schema)}.${escapeIdentifier(name)}`;
      const { rows } = await client.query<{ row: string }>(
        `select row_to_json(t)::text as row from ${table} t`,
      );
      texts.push(table, ...rows.map(({ row }) => row));
    }
    return texts.join('\n');
  } finally {
    await client.end();
  }
}

/** Every file below a directory. */
export function textOfFiles(directory: string): string {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => `${name}\n${readFileSync(join(parentPath, name), 'latin1')}`)
    .join('\n');
}
