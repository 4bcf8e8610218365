import {
  integer,
  port,
  secret,
  type SealKeys,
  standardVariables,
  text,
  type Values,
  type Variable,
} from '#libs/service-kit';
import type { Profiles } from '#libs/profiles';
import { verificationVariables } from '#libs/verification/config';
import { tlsVariables } from './tls/config.js';

const MODE = 'LATCHKEY_VERIFIER_MODE';

/** What api reads from its environment. */
export const variables = {
  ...verificationVariables,
  profiles: profilesThatCanBeServed(),
  sealKeys: sealKeysInProcess(),
  verifierMode: verifierMode(),
  redisUrl: limitsRedisUrl(),
  redisTlsCaFile: standardVariables.redisTlsCaFile,
  redisCluster: standardVariables.redisCluster,
  httpPort: port('LATCHKEY_API_PORT', 3000, 'HTTP port of the public API'),
  ...tlsVariables,
  bindHost: standardVariables.bindHost,
  trustedProxies: standardVariables.trustedProxies,
  logLevel: standardVariables.logLevel,
  errorTrackerUrl: standardVariables.errorTrackerUrl,
  docsPage: standardVariables.docsPage,
  serviceToken: standardVariables.serviceToken,
  verifierAddress: standardVariables.verifierAddress,
  managementAddress: standardVariables.managementAddress,
  usageAddress: standardVariables.usageAddress,
  databaseUrl: standardVariables.databaseUrl,
  databaseMigrationUrl: standardVariables.databaseMigrationUrl,
  databaseTlsCaFile: standardVariables.databaseTlsCaFile,
  databaseConnectionsMax: standardVariables.databaseConnectionsMax,
  cursorKey: secret(
    'LATCHKEY_CURSOR_KEY',
    'secret that seals the cursors of lists, the same for every replica; with another one, cursors in hand are refused',
  ),
  dataDirectory: standardVariables.dataDirectory,
  spoolFsync: standardVariables.spoolFsync,
  verifyDeadlineMs: integer(
    'LATCHKEY_API_VERIFY_DEADLINE_MS',
    2000,
    { min: 50, max: 30_000 },
    'longest that a request waits for the verdict on its key, milliseconds; past it the answer is 503',
  ),
  canaryKey: canaryKey(),
  canaryIntervalSeconds: integer(
    'LATCHKEY_CANARY_INTERVAL_SECONDS',
    60,
    { min: 1, max: 86_400 },
    'seconds between two checks with LATCHKEY_CANARY_KEY',
  ),
} as const;

export type Config = Values<typeof variables>;

function verifierMode(): Variable<'remote' | 'in-process'> {
  return {
    ...text(
      MODE,
      'remote',
      'where keys are verified: remote (at auth-verifier), or in-process (here, on key-management, with a lease of its own)',
    ),
    parse(value) {
      if (value !== 'remote' && value !== 'in-process') {
        throw new Error(`is neither remote nor in-process: "${value}"`);
      }
      return value;
    },
  };
}

function canaryKey(): Variable<string> {
  const key = secret(
    'LATCHKEY_CANARY_KEY',
    'a key with keys:manage, by which api checks again and again that a revoked key is refused; empty: no checks',
  );
  return {
    ...key,
    default: '',
    parse: (value, environment) => (value === '' ? '' : key.parse(value, environment)),
  };
}

/** Undefined where keys are verified elsewhere. */
function sealKeysInProcess(): Variable<SealKeys | undefined> {
  const { sealKeys } = verificationVariables;
  return {
    ...sealKeys,
    description: `with ${MODE}=in-process, which needs them: ${sealKeys.description}`,
    default: '',
    parse(value, environment) {
      if (environment[MODE]?.trim() !== 'in-process') return undefined;
      if (value === '') throw new Error(`is not set, and ${MODE}=in-process needs it`);
      return sealKeys.parse(value, environment);
    },
  };
}

/** A product that takes HTTPS alone could never be reached where nothing tells what came over HTTPS. */
function profilesThatCanBeServed(): Variable<Profiles> {
  const { profiles } = verificationVariables;
  return {
    ...profiles,
    parse(value, environment) {
      const read = profiles.parse(value, environment);
      const secured = [tlsVariables.tlsCertificate.name, standardVariables.trustedProxies.name].some(
        (name) => (environment[name] ?? '').trim() !== '',
      );
      const needy = read.all.filter(({ httpsOnly }) => httpsOnly).map(({ name }) => name);
      if (secured || needy.length === 0) return read;
      throw new Error(
        `has ${needy.join(', ')}, HTTPS only: set ${tlsVariables.tlsCertificate.name} and ` +
          `${tlsVariables.tlsKey.name}, or ${standardVariables.trustedProxies.name}`,
      );
    },
  };
}

/** Auth-verifiers need Redis; who verifies in process can do without, but for what limits all of them share. */
function limitsRedisUrl(): Variable<string> {
  const { redisUrl } = standardVariables;
  return {
    ...redisUrl,
    description: `with ${MODE}=in-process: where rate limits are shared with other verifiers; empty: each decides on its part. ${redisUrl.description}`,
    default: '',
    parse: (value, environment) => (value === '' ? '' : redisUrl.parse(value, environment)),
  };
}
