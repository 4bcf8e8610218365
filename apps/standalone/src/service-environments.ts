import type { DatabaseSchema, RolePasswords, RoleUrls } from '#libs/service-kit';
import type { Config } from './config.js';

/** Gives the secret of a name, the same at every start. */
interface Secrets {
  readOrDraw(name: string): string;
}

export function databasePasswords(secrets: Secrets): Record<DatabaseSchema, RolePasswords> {
  const pair = (schema: string) => ({
    owner: secrets.readOrDraw(`database-${schema}-owner`),
    runtime: secrets.readOrDraw(`database-${schema}`),
  });
  return { keys: pair('keys'), usage: pair('usage'), api: pair('api'), log: pair('log') };
}

/** What each service would find in its environment if it ran as a process of its own. */
export function serviceEnvironments(
  config: Config,
  secrets: Secrets,
  databases: Record<DatabaseSchema, RoleUrls>,
) {
  const host = reachableHost(config.bindHost);
  const addresses = {
    verifier: `${host}:${config.verifierGrpcPort}`,
    management: `${host}:${config.managementGrpcPort}`,
    usage: `${host}:${config.usageGrpcPort}`,
  };
  const tokens = {
    api: secrets.readOrDraw('service-token-api'),
    verifier: secrets.readOrDraw('service-token-auth-verifier'),
    management: secrets.readOrDraw('service-token-key-management'),
    user: secrets.readOrDraw('service-token'),
  };
  const shared = {
    LATCHKEY_BIND_HOST: config.bindHost,
    LATCHKEY_TRUSTED_PROXIES: config.trustedProxies.join(','),
    LATCHKEY_LOG_LEVEL: config.logLevel,
    LATCHKEY_ERROR_TRACKER_URL: config.errorTrackerUrl,
    LATCHKEY_DOCS_PAGE: String(config.docsPage),
    LATCHKEY_DATA_DIR: config.dataDirectory,
    LATCHKEY_PROFILES_DIR: config.profilesDirectory,
    LATCHKEY_PROFILES: config.profiles,
    LATCHKEY_OPERATOR_TOKEN: secrets.readOrDraw('operator-token'),
    LATCHKEY_SEAL_KEYS: `1:${secrets.readOrDraw('seal-key')}`,
    LATCHKEY_SERVICE_TOKENS: [
      `api:${tokens.api}:verify+report+manage+usage:*`,
      `auth-verifier:${tokens.verifier}:project+fence`,
      `key-management:${tokens.management}:usage`,
      `user:${tokens.user}:verify+report+usage:*`,
    ].join(','),
    LATCHKEY_VERIFIER_ADDRESS: addresses.verifier,
    LATCHKEY_MANAGEMENT_ADDRESS: addresses.management,
    LATCHKEY_USAGE_ADDRESS: addresses.usage,
  };
  return {
    addresses,
    management: {
      ...shared,
      ...databaseVariables(databases.keys),
      LATCHKEY_MANAGEMENT_PORT: String(config.managementPort),
      LATCHKEY_MANAGEMENT_GRPC_PORT: String(config.managementGrpcPort),
      LATCHKEY_SERVICE_TOKEN: tokens.management,
    },
    usage: {
      ...shared,
      ...databaseVariables(databases.usage),
      LATCHKEY_USAGE_PORT: String(config.usagePort),
      LATCHKEY_USAGE_GRPC_PORT: String(config.usageGrpcPort),
    },
    verifier: {
      ...shared,
      LATCHKEY_VERIFIER_PORT: String(config.verifierPort),
      LATCHKEY_VERIFIER_GRPC_PORT: String(config.verifierGrpcPort),
      LATCHKEY_SERVICE_TOKEN: tokens.verifier,
    },
    api: {
      ...shared,
      ...databaseVariables(databases.api),
      LATCHKEY_CURSOR_KEY: secrets.readOrDraw('cursor-key'),
      LATCHKEY_API_PORT: String(config.apiPort),
      LATCHKEY_SERVICE_TOKEN: tokens.api,
    },
  };
}

/** How this machine reaches what listens on `bindHost`, as it stands in an address with a port. */
function reachableHost(bindHost: string): string {
  if (bindHost === '0.0.0.0') return '127.0.0.1';
  if (bindHost === '::') return '[::1]';
  return bindHost.includes(':') ? `[${bindHost}]` : bindHost;
}

function databaseVariables({ runtimeUrl, migrationUrl }: RoleUrls) {
  return { DATABASE_URL: runtimeUrl, DATABASE_MIGRATION_URL: migrationUrl };
}
