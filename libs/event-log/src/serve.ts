import type { kafkaVariables, Logger, Values } from '#libs/service-kit';
import { KafkaEventLog } from './kafka-event-log.js';

/** The log of a deployment at scale, as its environment describes it; `clientId` names the service to the brokers. */
export function kafkaEventLog(
  clientId: string,
  config: Values<typeof kafkaVariables>,
  logger: Logger,
): KafkaEventLog {
  return new KafkaEventLog(
    {
      clientId,
      brokers: config.kafkaBrokers,
      tlsCaFile: config.kafkaTlsCaFile,
      username: config.kafkaUsername,
      password: config.kafkaPassword,
      replicationFactor: config.kafkaReplicationFactor,
      minInSyncReplicas: config.kafkaMinInSyncReplicas,
    },
    logger,
  );
}
