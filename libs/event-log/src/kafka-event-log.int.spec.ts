import { jest } from '@jest/globals';
import { createLogger } from '#libs/service-kit';
import { type PrivateStack, startPrivateStack } from '#libs/testing/private-stack';
import { stackUrls } from '#libs/testing/stack';
import { eventLogContract } from './event-log.contract.js';
import { eventLogOutageContract } from './event-log-outage.contract.js';
import { KafkaEventLog } from './kafka-event-log.js';

jest.setTimeout(60_000);

const logger = createLogger('event-log-test', process.env['LATCHKEY_LOG_LEVEL'] ?? 'silent');

function kafka(brokers: string[]): KafkaEventLog {
  const options = { brokers, clientId: 'event-log-test', replicationFactor: 1, minInSyncReplicas: 1 };
  return new KafkaEventLog({ ...options, retryPauseMs: 100 }, logger);
}

describe('KafkaEventLog', () => {
  eventLogContract(() => kafka(stackUrls().kafkaBrokers));
});

describe('KafkaEventLog whose Kafka goes away', () => {
  let stack: PrivateStack;

  beforeAll(async () => {
    stack = await startPrivateStack(['kafka']);
  }, 180_000);

  afterAll(async () => stack.stop());

  eventLogOutageContract(
    () => kafka((stack.env['KAFKA_BROKERS'] ?? '').split(',')),
    () => stack.kafka,
  );
});
