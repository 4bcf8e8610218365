import { readEnvironment } from '#libs/service-kit';
import { variables as apiVariables } from '../../api/src/config.js';
import { variables as verifierVariables } from '../../auth-verifier/src/config.js';
import { variables as managementVariables } from '../../key-management/src/config.js';
import { variables as usageVariables } from '../../usage/src/config.js';
import { readConfig } from './config.js';
import { databasePasswords, serviceEnvironments } from './service-environments.js';

/** Secrets that tell their own name. */
const secrets = { readOrDraw: (name: string) => Buffer.from(name.padEnd(32, '.')).toString('base64url') };
const passwords = databasePasswords(secrets);
const url = (role: string) => `postgres://${role}:password@127.0.0.1:5432/postgres`;
const databases = {
  keys: { runtimeUrl: url('latchkey_keys'), migrationUrl: url('latchkey_keys_owner') },
  usage: { runtimeUrl: url('latchkey_usage'), migrationUrl: url('latchkey_usage_owner') },
  api: { runtimeUrl: url('latchkey_api'), migrationUrl: url('latchkey_api_owner') },
  log: { runtimeUrl: url('latchkey_log'), migrationUrl: url('latchkey_log_owner') },
};
const environmentsOf = (environment: NodeJS.ProcessEnv = {}) =>
  serviceEnvironments(readConfig(environment), secrets, databases);

function named(variables: Record<string, { name: string }>): string[] {
  return Object.values(variables).map(({ name }) => name);
}

describe('what the services find in their environments', () => {
  it('has nothing missing and nothing wrong for any of them', () => {
    const { management, usage, verifier, api } = environmentsOf();
    expect(() => {
      readEnvironment(managementVariables, management);
      readEnvironment(usageVariables, usage);
      readEnvironment(verifierVariables, verifier);
      readEnvironment(apiVariables, api);
    }).not.toThrow();
  });

  it('names nothing that no service reads, and no database for those that have none', () => {
    const { management, usage, verifier, api } = environmentsOf();
    const every = new Set(
      [managementVariables, usageVariables, verifierVariables, apiVariables].flatMap(named),
    );
    for (const environment of [management, usage, verifier, api]) {
      expect(Object.keys(environment).filter((name) => !every.has(name))).toEqual([]);
    }
    expect(Object.keys(verifier)).not.toContain('DATABASE_URL');
  });

  it('gives each service its own database role and its own token', () => {
    const { management, usage, verifier, api } = environmentsOf();
    expect(api.DATABASE_URL).toBe(url('latchkey_api'));
    expect(management.DATABASE_URL).toBe(url('latchkey_keys'));
    expect(management.DATABASE_MIGRATION_URL).toBe(url('latchkey_keys_owner'));
    expect(usage.DATABASE_URL).toBe(url('latchkey_usage'));
    const tokens = [management, verifier, api].map(({ LATCHKEY_SERVICE_TOKEN }) => LATCHKEY_SERVICE_TOKEN);
    expect(new Set([...tokens, secrets.readOrDraw('service-token')]).size).toBe(4);
  });

  it('lets each caller do over gRPC what it needs and no more', () => {
    const roles = environmentsOf()
      .usage.LATCHKEY_SERVICE_TOKENS.split(',')
      .map((entry) => [entry.split(':')[0], entry.split(':')[2]]);
    expect(Object.fromEntries(roles)).toEqual({
      api: 'verify+report+manage+usage',
      'auth-verifier': 'project+fence',
      'key-management': 'usage',
      user: 'verify+report+usage',
    });
  });

  it('has a password of its own for every database role', () => {
    const all = Object.values(passwords).flatMap(({ owner, runtime }) => [owner, runtime]);
    expect(new Set(all).size).toBe(8);
  });

  it.each([
    ['127.0.0.1', '127.0.0.1:50051'],
    ['0.0.0.0', '127.0.0.1:50051'],
    ['::', '[::1]:50051'],
    ['fd00::7', '[fd00::7]:50051'],
    ['localhost', 'localhost:50051'],
  ])('says where services that listen on %s are reached', (bindHost, address) => {
    const { addresses, api } = environmentsOf({ LATCHKEY_BIND_HOST: bindHost });
    expect(addresses.verifier).toBe(address);
    expect(api.LATCHKEY_VERIFIER_ADDRESS).toBe(address);
  });
});
