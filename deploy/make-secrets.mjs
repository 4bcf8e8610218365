/**
 * `node deploy/make-secrets.mjs [DIRECTORY]` makes every secret of docker-compose.yml that is not there yet, by default
 * in deploy/secrets/, and writes anew what is put together from them: URLs, lists of service tokens, Redis's users.
 * Delete one and run it again to draw another; docs/configuration.md says what else a change of each asks for.
 */
import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const KAFKA_USERS = ['admin', 'key-management', 'auth-verifier', 'usage', 'api'];
const REDIS_USERS = ['auth-verifier', 'operator'];
const SCHEMAS = ['keys', 'usage', 'api'];
/** `client` is whoever else verifies keys; a deployment gives each of its own services a name and a token. */
const SERVICE_TOKENS = ['api', 'auth-verifier', 'key-management', 'client'];
/** By service: who may call it, and for what. */
const CALLERS = {
  'auth-verifier': { api: 'verify+report:*', client: 'verify+report' },
  'key-management': { api: 'manage', 'auth-verifier': 'project+fence' },
  usage: { api: 'usage', 'key-management': 'usage', client: 'usage' },
};

/** Makes what is missing; returns the names of all files. */
export function makeSecrets(directory) {
  // The directory keeps other users of this machine out. The files can be read by all who get that far: containers run
  // as users of their own, and see only those files that are mounted for them.
  mkdirSync(directory, { recursive: true });
  chmodSync(directory, 0o700);
  const names = new Set();
  const read = (name) => readFileSync(join(directory, name), 'utf8').trim();
  const write = (name, text) => {
    // Whole or not at all, and never a secret without an end.
    const unfinished = join(directory, `.${name}.${process.pid}`);
    writeFileSync(unfinished, `${text.trim()}\n`, { mode: 0o444, flag: 'wx' });
    renameSync(unfinished, join(directory, name));
    names.add(name);
  };
  /** Letters and digits only, so that no URL, list or configuration file needs to quote it. */
  const draw = (name, make = () => randomBytes(24).toString('hex')) => {
    if (!existsSync(join(directory, name))) write(name, make());
    names.add(name);
    return read(name);
  };

  draw('operator-token');
  draw('cursor-key');
  draw('seal-keys', () => `1:${randomBytes(32).toString('base64')}`);
  for (const user of KAFKA_USERS) draw(`kafka-password-${user}`);
  const tokens = Object.fromEntries(SERVICE_TOKENS.map((name) => [name, draw(`service-token-${name}`)]));
  for (const [service, callers] of Object.entries(CALLERS)) {
    const entries = Object.entries(callers).map(([name, roles]) => `${name}:${tokens[name]}:${roles}`);
    write(`service-tokens-${service}`, entries.join(','));
  }

  const databaseUrl = (user, password) => `postgres://${user}:${password}@postgres:5432/latchkey`;
  const adminUrl = databaseUrl('postgres', draw('database-password-postgres'));
  write('database-admin-url', adminUrl);
  write('database-admin-url-tls', `${adminUrl}?sslmode=verify-full&sslrootcert=/run/secrets/tls-ca.pem`);
  for (const schema of SCHEMAS) {
    for (const role of [`latchkey_${schema}`, `latchkey_${schema}_owner`]) {
      write(`database-url-${role}`, databaseUrl(role, draw(`database-password-${role}`)));
    }
  }

  const redisPasswords = Object.fromEntries(
    REDIS_USERS.map((user) => [user, draw(`redis-password-${user}`)]),
  );
  const redisAuthority = `auth-verifier:${redisPasswords['auth-verifier']}@redis:6379`;
  write('redis-url-auth-verifier', `redis://${redisAuthority}`);
  write('redis-url-auth-verifier-tls', `rediss://${redisAuthority}`);
  const template = readFileSync(join(import.meta.dirname, 'redis', 'users.acl'), 'utf8');
  write('redis-users.acl', redisUsers(template, redisPasswords));
  return [...names];
}

/** Redis's own format: no comments, and of a password its digest. */
export function redisUsers(template, passwords) {
  return template
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .join('\n')
    .replace(/#\{sha256 of redis-password-([\w-]+)\}/g, (_, user) => {
      return `#${createHash('sha256').update(passwords[user]).digest('hex')}`;
    });
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const directory = resolve(process.argv[2] ?? join(import.meta.dirname, 'secrets'));
  const names = makeSecrets(directory);
  console.log(`${names.length} secrets are in ${directory}`);
}
