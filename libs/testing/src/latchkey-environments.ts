import { randomBytes } from 'node:crypto';
import type { RoleUrls } from '#libs/service-kit';

export const APPS = ['key-management', 'usage', 'auth-verifier', 'api'] as const;
export type App = (typeof APPS)[number];

export type Environment = Readonly<Record<string, string>>;

/** Where one process listens on 127.0.0.1; api has no gRPC, and leaves that port alone. */
export interface Ports {
  readonly http: number;
  readonly grpc: number;
}

/** What every part of one Latchkey agrees on. */
export interface Setting {
  readonly stackEnv: Environment;
  readonly databases: Readonly<Record<'keys' | 'usage' | 'api', RoleUrls>>;
  readonly dataDirectory: string;
  /** Where the others look for the service. */
  readonly ports: Readonly<Record<App, Ports>>;
  readonly operatorToken: string;
  /** Of `test`, with every role. */
  readonly serviceToken: string;
  /** Further service tokens with exactly these roles, by the name of the caller. */
  readonly callers: Readonly<Record<string, { readonly token: string; readonly roles: readonly string[] }>>;
}

const VARIABLE_PARTS: Readonly<Record<App, string>> = {
  'key-management': 'MANAGEMENT',
  usage: 'USAGE',
  'auth-verifier': 'VERIFIER',
  api: 'API',
};

/** A token, or a password, that was never seen before. */
export function freshSecret(): string {
  return randomBytes(24).toString('hex');
}

/** The environment of each service but for its own ports; service tokens and seal key are drawn here. */
export function environmentsOf(setting: Setting): Record<App, Environment> {
  const { stackEnv, databases, ports } = setting;
  const tokens = { api: freshSecret(), 'auth-verifier': freshSecret(), 'key-management': freshSecret() };
  const callers = {
    api: { token: tokens.api, roles: ['verify', 'manage', 'usage'] },
    'auth-verifier': { token: tokens['auth-verifier'], roles: ['project', 'fence'] },
    'key-management': { token: tokens['key-management'], roles: ['usage'] },
    test: { token: setting.serviceToken, roles: ['verify', 'report', 'project', 'manage', 'usage', 'fence'] },
    ...setting.callers,
  };
  const shared = {
    KAFKA_BROKERS: stackEnv['KAFKA_BROKERS'] ?? '',
    LATCHKEY_DATA_DIR: setting.dataDirectory,
    LATCHKEY_OPERATOR_TOKEN: setting.operatorToken,
    LATCHKEY_SEAL_KEYS: `1:${randomBytes(32).toString('base64')}`,
    LATCHKEY_SERVICE_TOKENS: Object.entries(callers)
      .map(([name, { token, roles }]) => `${name}:${token}:${roles.join('+')}:*`)
      .join(','),
    LATCHKEY_VERIFIER_ADDRESS: grpcAddressOf(ports['auth-verifier']),
    LATCHKEY_MANAGEMENT_ADDRESS: grpcAddressOf(ports['key-management']),
    LATCHKEY_USAGE_ADDRESS: grpcAddressOf(ports.usage),
  };
  return {
    'key-management': {
      ...shared,
      ...databaseOf(databases.keys),
      LATCHKEY_SERVICE_TOKEN: tokens['key-management'],
    },
    usage: { ...shared, ...databaseOf(databases.usage) },
    'auth-verifier': {
      ...shared,
      REDIS_URL: stackEnv['REDIS_URL'] ?? '',
      LATCHKEY_SERVICE_TOKEN: tokens['auth-verifier'],
    },
    api: {
      ...shared,
      ...databaseOf(databases.api),
      LATCHKEY_SERVICE_TOKEN: tokens.api,
      LATCHKEY_CURSOR_KEY: freshSecret(),
    },
  };
}

/** The variables that make a process of `app` listen on these ports. */
export function listeningOn(app: App, { http, grpc }: Ports): Environment {
  const part = VARIABLE_PARTS[app];
  return {
    [`LATCHKEY_${part}_PORT`]: String(http),
    ...(app !== 'api' && { [`LATCHKEY_${part}_GRPC_PORT`]: String(grpc) }),
  };
}

export function httpUrlOf({ http }: Ports): string {
  return `http://127.0.0.1:${http}`;
}

export function grpcAddressOf({ grpc }: Ports): string {
  return `127.0.0.1:${grpc}`;
}

function databaseOf({ runtimeUrl, migrationUrl }: RoleUrls): Environment {
  return { DATABASE_URL: runtimeUrl, DATABASE_MIGRATION_URL: migrationUrl };
}
