import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { LOG_MIGRATIONS } from '#libs/event-log/postgres-event-log';
import { ConfigurationError, readEnvironment, standardVariables, url } from '#libs/service-kit';
import { OperationRefused } from '#libs/service-kit/backup-manifest';
import { runningPostgresUrl } from '#libs/service-kit/embedded-postmaster';
import { startEmbeddedPostgres } from '#libs/service-kit/embedded-postgres';
import type { ProcessLock } from '#libs/service-kit/file-process-lock';
import { bootstrapDatabase } from '#libs/service-kit/postgres-bootstrap';
import type { KnownMigrations } from '#libs/service-kit/postgres-restore';
import { API_MIGRATIONS } from '../../../api/src/serve.js';
import { KEYS_MIGRATIONS } from '../../../key-management/src/serve.js';
import { USAGE_MIGRATIONS } from '../../../usage/src/serve.js';
import { AlreadyRunning, lockDirectory, makeDirectory } from '../file-data-directory.js';
import { FileSecrets } from '../file-secrets.js';
import { databasePasswords } from '../service-environments.js';

/** The database that an operator's command works on. */
export interface OpenDatabase {
  /** May act as the owners of the schemas. */
  readonly adminUrl: string;
  /** The data directory of `npm start`; undefined for a deployment's database. */
  readonly embeddedIn: string | undefined;
  /** A clause for the user. */
  readonly howToEmpty: string;
  close(): Promise<void>;
}

/** Of every schema there is, oldest first. */
export const MIGRATIONS: KnownMigrations = {
  keys: KEYS_MIGRATIONS,
  usage: USAGE_MIGRATIONS,
  api: API_MIGRATIONS,
  log: LOG_MIGRATIONS,
};

const variables = { dataDirectory: standardVariables.dataDirectory };
const adminVariables = {
  adminUrl: url('DATABASE_ADMIN_URL', ['postgres', 'postgresql'], 'PostgreSQL as one who may make roles'),
};

/** That of `DATABASE_ADMIN_URL`; without one, that of `npm start`, whether it runs or not. */
export async function openDatabase(environment: NodeJS.ProcessEnv): Promise<OpenDatabase> {
  const deployment = deploymentDatabase(environment);
  if (deployment !== undefined) return deployment;
  const directory = embeddedDirectory(environment);
  if (!existsSync(resolve(directory, 'postgres', 'data')))
    throw new OperationRefused(`${directory} has no database yet: run "npm start" first`);
  try {
    return await startEmbedded(directory, await lockDirectory(directory));
  } catch (error) {
    if (!(error instanceof AlreadyRunning) || error.pid === undefined) throw error;
    return runningEmbedded(directory, error.pid);
  }
}

/** As {@link openDatabase}, with schemas and roles made; refuses while `npm start` runs. */
export async function openDatabaseToRestore(environment: NodeJS.ProcessEnv): Promise<OpenDatabase> {
  const deployment = deploymentDatabase(environment);
  if (deployment !== undefined) return deployment;
  const directory = embeddedDirectory(environment);
  const database = await startEmbedded(directory, await lockToRestore(directory));
  try {
    await bootstrapDatabase(database.adminUrl, databasePasswords(new FileSecrets(directory)));
    return database;
  } catch (error) {
    await database.close();
    throw error;
  }
}

function deploymentDatabase(environment: NodeJS.ProcessEnv): OpenDatabase | undefined {
  if (!environment['DATABASE_ADMIN_URL']?.trim()) return undefined;
  const { adminUrl } = readEnvironment(adminVariables, environment);
  return {
    adminUrl,
    embeddedIn: undefined,
    howToEmpty:
      'restore into a new database, or empty this one with "drop schema if exists keys, usage, api cascade", ' +
      'then run "npm run db:bootstrap" and restore again',
    close: async () => {},
  };
}

function embeddedDirectory(environment: NodeJS.ProcessEnv): string {
  const path = resolve(readEnvironment(variables, environment).dataDirectory);
  if (existsSync(path)) return makeDirectory(path);
  throw new ConfigurationError([
    `DATABASE_ADMIN_URL is not set, and LATCHKEY_DATA_DIR is no directory of "npm start": "${path}"; ` +
      'set the one, or make the other, for the data of "npm start"',
  ]);
}

async function startEmbedded(directory: string, lock: ProcessLock): Promise<OpenDatabase> {
  const postgresDirectory = resolve(directory, 'postgres');
  try {
    const postgres = await startEmbeddedPostgres({ directory: postgresDirectory });
    return {
      adminUrl: postgres.adminUrl,
      embeddedIn: directory,
      howToEmpty: `move ${postgresDirectory} away and restore again`,
      async close() {
        await postgres.stop();
        await lock.release();
      },
    };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

function runningEmbedded(directory: string, pid: number): OpenDatabase {
  const adminUrl = runningPostgresUrl(resolve(directory, 'postgres'));
  if (adminUrl === undefined) {
    throw new OperationRefused(
      `process ${pid} uses ${directory} and its PostgreSQL does not answer now: try again in some seconds`,
    );
  }
  return { adminUrl, embeddedIn: directory, howToEmpty: `end process ${pid}`, close: async () => {} };
}

async function lockToRestore(directory: string): Promise<ProcessLock> {
  try {
    return await lockDirectory(directory);
  } catch (error) {
    if (!(error instanceof AlreadyRunning) || error.pid === undefined) throw error;
    throw new OperationRefused(
      `Latchkey runs on ${directory}, as process ${error.pid}: ` +
        `end it with "kill ${error.pid}", then restore again`,
      { cause: error },
    );
  }
}
