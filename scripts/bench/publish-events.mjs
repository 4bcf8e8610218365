/** Fills the topic as busy reporters do: messages of 1,000 events, each reporter in order and in its own partition. */
import { randomBytes, randomUUID } from 'node:crypto';
import { REQUEST_TOPICS, REQUESTS_TOPIC } from '#libs/contracts';
import { kafkaEventLog } from '#libs/event-log/serve';
import { partitionOf } from '#libs/request-reporting/incarnation';
import { createLogger } from '#libs/service-kit';

const EVENTS_IN_MESSAGE = 1000;
const KEYS = 1000;
const TENANTS = 16;

/** Publishes at least `events` events over all partitions; resolves to how many. */
export async function publishEvents(stackEnv, events) {
  const log = kafkaEventLog(
    'bench',
    {
      kafkaBrokers: stackEnv.KAFKA_BROKERS.split(','),
      kafkaTlsCaFile: '',
      kafkaUsername: '',
      kafkaPassword: '',
      kafkaReplicationFactor: 1,
      kafkaMinInSyncReplicas: 1,
    },
    createLogger('bench', 'warn'),
  );
  const { partitions } = REQUEST_TOPICS.find(({ name }) => name === REQUESTS_TOPIC);
  const keys = Array.from({ length: KEYS }, (_, n) => ({
    keyId: `key_${randomBytes(15).toString('hex')}`,
    tenantId: `bench-${n % TENANTS}`,
  }));
  const each = Math.ceil(events / partitions);
  try {
    await log.declare(REQUEST_TOPICS);
    for (let partition = 0; partition < partitions; partition += 1) {
      const incarnation = incarnationIn(partition, partitions);
      for (let first = 1; first <= each; first += EVENTS_IN_MESSAGE) {
        const count = Math.min(EVENTS_IN_MESSAGE, each - first + 1);
        const batch = {
          incarnation,
          firstSequence: first,
          events: Array.from({ length: count }, () => eventOf(keys)),
        };
        const record = {
          key: incarnation,
          value: Buffer.from(JSON.stringify(batch)),
          headers: { 'content-type': 'application/json' },
        };
        await log.publish(REQUESTS_TOPIC, [record], partition);
      }
    }
  } finally {
    await log.close();
  }
  return each * partitions;
}

function incarnationIn(partition, partitions) {
  for (;;) {
    const incarnation = randomUUID();
    if (partitionOf(incarnation, partitions) === partition) return incarnation;
  }
}

function eventOf(keys) {
  const key = keys[Math.floor(Math.random() * keys.length)];
  const found = Math.random() < 0.9;
  return {
    requestId: randomUUID(),
    ...key,
    environment: 'live',
    outcome: found ? 'VALID' : 'INSUFFICIENT_SCOPE',
    status: found ? 200 : 403,
    route: '/v1/parcels/:id',
    method: 'GET',
    caller: 'api',
    occurredAtMs: Date.now(),
    reported: false,
  };
}
