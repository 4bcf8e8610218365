import { readFileSync } from 'node:fs';
import { Kafka, type KafkaConfig, type LogEntry, logLevel, type RetryOptions } from 'kafkajs';
import type { Logger } from '#libs/service-kit';
import { restWhenIdle } from './kafka-idle-connections.js';

restWhenIdle();

export interface KafkaOptions {
  /** `host:port` of some brokers; the others are learnt from them. */
  brokers: readonly string[];
  clientId: string;
  /** Certificate authority of the brokers; set, TLS is required and checked. */
  tlsCaFile?: string | undefined;
  /** SASL/SCRAM-SHA-512 user; empty or undefined: no SASL. */
  username?: string | undefined;
  password?: string | undefined;
  /** Of topics made by `declare`. */
  replicationFactor: number;
  /** `min.insync.replicas` of topics made by `declare`; a publish is acknowledged by that many. */
  minInSyncReplicas: number;
  /**
   * A reader that says nothing for so long has died, and its partitions move (default 8,000). Readers speak up four
   * times as often. Brokers refuse less than their `group.min.session.timeout.ms`, 6,000 unless configured.
   */
  sessionTimeoutMs?: number | undefined;
  /** How long the group waits for a reader with a batch in hand before it moves its partitions (default 15,000). */
  rebalanceTimeoutMs?: number | undefined;
  /** A publish that is not acknowledged after so long is rejected (default 10,000). */
  publishTimeoutMs?: number | undefined;
  /** How long a partition rests after its handler threw (default 1,000). */
  retryPauseMs?: number | undefined;
}

export interface KafkaPatience {
  requestTimeoutMs: number;
  /** Attempts after the first, doubling from 100 ms to 1 s apart. */
  retries: number;
}

/**
 * A client of its own for each producer, consumer and administrator: one client's consumers share the offsets they
 * remember by group, so that two members of a group in one process would overwrite each other's.
 */
export function kafkaClient(options: KafkaOptions, patience: KafkaPatience, logger: Logger): Kafka {
  const config: KafkaConfig = {
    brokers: [...options.brokers],
    clientId: options.clientId,
    connectionTimeout: 2000,
    requestTimeout: patience.requestTimeoutMs,
    retry: retryOf(patience),
    logLevel: logLevel.INFO,
    logCreator: () => (entry) => forward(entry, logger),
  };
  if (options.tlsCaFile) config.ssl = { ca: [readFileSync(options.tlsCaFile, 'utf8')] };
  if (options.username) {
    config.sasl = {
      mechanism: 'scram-sha-512',
      username: options.username,
      password: options.password ?? '',
    };
  }
  return new Kafka(config);
}

/** Spelt out in full: kafkajs has other defaults for what is missing when NODE_ENV is `test`. */
export function retryOf({ retries }: KafkaPatience): RetryOptions {
  return { retries, initialRetryTime: 100, maxRetryTime: 1000, factor: 0.2, multiplier: 2 };
}

/**
 * What kafkajs reports as an error is mostly an attempt that it makes again, such as the first use of a group's
 * coordinator; what does not mend reaches the callers as a rejection or through `onError` and is logged there.
 */
const TRANSIENT =
  /coordinator|rebalanc|leader|does not host|topic-partition|connect|seed broker|timed out|in sync|without match|Limiting retries/i;

function forward({ level, namespace, log }: LogEntry, logger: Logger): void {
  const { message, timestamp: _, logger: __, stack: ___, ...fields } = log;
  const details = { ...fields, kafkajs: namespace };
  if (level > logLevel.WARN || TRANSIENT.test(`${message} ${String(fields['error'] ?? '')}`)) {
    logger.debug(details, message);
  } else {
    logger.warn(details, message);
  }
}
