/** A server is ready when it answers a real request: an open port says nothing. */
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import kafkajs from 'kafkajs';
import pg from 'pg';

const POLL_MS = 100;
const READY_TIMEOUT_MS = 90_000;

/** One attempt by part name: resolves when the server answered, rejects with the reason when it did not. */
export const answers = {
  async kafka(brokers) {
    const client = new kafkajs.Kafka({
      brokers: brokers.split(','),
      logLevel: kafkajs.logLevel.NOTHING,
      connectionTimeout: 1_000,
      retry: { retries: 0 },
    });
    const admin = client.admin();
    try {
      await admin.connect();
      const cluster = await admin.describeCluster();
      if (cluster.brokers.length === 0) throw new Error('the cluster lists no broker');
    } finally {
      await admin.disconnect();
    }
  },

  async redis(url) {
    const client = new Redis(url, {
      lazyConnect: true,
      retryStrategy: () => null,
      connectTimeout: 1_000,
      disconnectTimeout: 100,
    });
    client.on('error', () => {});
    try {
      await client.connect();
      await client.ping();
    } finally {
      client.disconnect();
    }
  },

  async postgres(url) {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 1_000 });
    client.on('error', () => {});
    try {
      await client.connect();
      await client.query('select 1');
    } finally {
      await client.end();
    }
  },
};

/** Asks until the server of `part` answers; throws when it has ended or did not answer in time, with the end of its log. */
export async function untilAnswers(part, url, server) {
  const deadline = Date.now() + READY_TIMEOUT_MS;
  for (;;) {
    try {
      return await answers[part](url);
    } catch (error) {
      if (!server?.ended && Date.now() < deadline) {
        await delay(POLL_MS);
        continue;
      }
      const reason = server?.ended
        ? `${part} ended while starting`
        : `${part} does not answer: ${error.message}`;
      throw new Error([reason, server?.logTail()].filter(Boolean).join('\n'), { cause: error });
    }
  }
}
