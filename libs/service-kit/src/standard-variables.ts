/** Variables that several services have with the same meaning; each service's config.ts lists those it reads. */
import { address, flag, integer, list, networks, secret, text, url, type Variable } from './environment.js';
import { type SealKeys, sealKeys } from './seal-keys.js';
import { serviceTokens } from './service-callers.js';

export type { SealKeys };

export const standardVariables = {
  bindHost: text('LATCHKEY_BIND_HOST', '127.0.0.1', 'address that all ports of the process listen on'),
  trustedProxies: networks(
    'LATCHKEY_TRUSTED_PROXIES',
    'addresses and CIDR ranges whose X-Forwarded-* headers are believed; empty: none',
  ),
  logLevel: {
    ...text('LATCHKEY_LOG_LEVEL', 'info', 'fatal, error, warn, info, debug, trace or silent'),
    parse(value: string) {
      const levels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'];
      if (!levels.includes(value)) throw new Error(`is not one of ${levels.join(', ')}: "${value}"`);
      return value;
    },
  } satisfies Variable<string>,
  errorTrackerUrl: errorTrackerUrl(),
  docsPage: flag('LATCHKEY_DOCS_PAGE', true, 'serve the page that browses the OpenAPI document at /docs'),
  operatorToken: secret('LATCHKEY_OPERATOR_TOKEN', 'bearer token of the management HTTP API'),
  serviceTokens: serviceTokens(
    'LATCHKEY_SERVICE_TOKENS',
    'who may call over gRPC: name:token:role+role,… with the roles verify, report, project, fence, manage, usage; a fourth part :profile+profile, or :*, names the products whose keys may be verified (without it: default)',
  ),
  serviceToken: secret('LATCHKEY_SERVICE_TOKEN', 'token this service shows to the others over gRPC'),
  verifierAddress: address(
    'LATCHKEY_VERIFIER_ADDRESS',
    '127.0.0.1:50051',
    'host:port of auth-verifier over gRPC',
  ),
  managementAddress: address(
    'LATCHKEY_MANAGEMENT_ADDRESS',
    '127.0.0.1:50052',
    'host:port of key-management over gRPC',
  ),
  usageAddress: address('LATCHKEY_USAGE_ADDRESS', '127.0.0.1:50053', 'host:port of usage over gRPC'),
  sealKeys: sealKeys(
    'LATCHKEY_SEAL_KEYS',
    'keys that seal the records of the view, id:base64,…, at least 32 bytes each; the first seals, all open',
  ),
  databaseUrl: url('DATABASE_URL', ['postgres', 'postgresql'], 'PostgreSQL as the runtime role'),
  databaseMigrationUrl: url(
    'DATABASE_MIGRATION_URL',
    ['postgres', 'postgresql'],
    'PostgreSQL as the role that owns the schema; used at start, then closed',
  ),
  databaseTlsCaFile: text(
    'DATABASE_TLS_CA_FILE',
    '',
    'certificate authority of PostgreSQL; set, TLS is required',
  ),
  databaseConnectionsMax: integer(
    'DATABASE_CONNECTIONS_MAX',
    10,
    { min: 2, max: 500 },
    'most connections to PostgreSQL at once',
  ),
  redisUrl: url('REDIS_URL', ['redis', 'rediss'], 'Redis, or one node of a Redis Cluster; rediss:// for TLS'),
  redisTlsCaFile: {
    ...text('REDIS_TLS_CA_FILE', '', 'certificate authority of Redis; only with rediss:// in REDIS_URL'),
    parse(path, { REDIS_URL = 'rediss:' }) {
      // Whoever names an authority wants TLS, and would not get it.
      if (path !== '' && !REDIS_URL.trim().startsWith('rediss:'))
        throw new Error('is set, but REDIS_URL does not begin with rediss://');
      return path;
    },
  } satisfies Variable<string>,
  redisCluster: flag('REDIS_CLUSTER', false, 'REDIS_URL is a node of a Redis Cluster'),
  spoolFsync: flag(
    'LATCHKEY_SPOOL_FSYNC',
    false,
    'release an answer after its event is on the disk itself, so that events survive the loss of the machine',
  ),
  dataDirectory: text('LATCHKEY_DATA_DIR', '.latchkey', 'directory of the spool and other local state'),
} as const;

function errorTrackerUrl(): Variable<string> {
  const webhook = url(
    'LATCHKEY_ERROR_TRACKER_URL',
    ['http', 'https'],
    'webhook of an error tracker, http:// or https://, that every internal error is posted to as JSON; empty: none',
  );
  return {
    ...webhook,
    default: '',
    parse(value, environment) {
      if (value === '') return value;
      const { username, password } = new URL(webhook.parse(value, environment));
      if (username !== '' || password !== '') {
        throw new Error('holds a user name or a password: put the token in its path or query');
      }
      return value;
    },
  };
}

/** Of every service whose event log is Kafka. */
export const kafkaVariables = {
  kafkaBrokers: list('KAFKA_BROKERS', null, 'host:port of Kafka brokers, separated by commas'),
  kafkaTlsCaFile: text('KAFKA_TLS_CA_FILE', '', 'certificate authority of Kafka; set, TLS is required'),
  kafkaUsername: text('KAFKA_USERNAME', '', 'SASL/SCRAM-SHA-512 user of Kafka; empty: no SASL'),
  kafkaPassword: { ...text('KAFKA_PASSWORD', '', 'SASL/SCRAM-SHA-512 password of Kafka'), secret: true },
  kafkaMinInSyncReplicas: integer(
    'KAFKA_MIN_INSYNC_REPLICAS',
    1,
    { min: 1, max: 7 },
    'min.insync.replicas of the topics made at start; at least 2 where a broker may be lost',
  ),
  kafkaReplicationFactor: integer(
    'KAFKA_REPLICATION_FACTOR',
    1,
    { min: 1, max: 7 },
    'replication factor of the topics made at start; 3 where a broker may be lost',
  ),
} as const;
