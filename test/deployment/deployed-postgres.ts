import { execFile } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '#libs/service-kit/embedded-postgres';
import { composeFile } from './compose-file.js';

/**
 * An embedded PostgreSQL with the certificate of `secretsDirectory` that takes nobody without TLS, after the
 * deployment's bootstrap job has made the roles there.
 */
export async function startDeployedPostgres(
  directory: string,
  secretsDirectory: string,
): Promise<EmbeddedPostgres> {
  mkdirSync(directory, { recursive: true });
  const pem = join(directory, 'server.pem');
  copyFileSync(join(secretsDirectory, 'postgres-tls.pem'), pem);
  chmodSync(pem, 0o600);
  const settings = { ssl: 'on', ssl_cert_file: pem, ssl_key_file: pem };
  const server = await startEmbeddedPostgres({ directory, settings });
  try {
    await acceptTlsAlone(server);
    await runBootstrapJob(server.adminUrl, secretsDirectory);
    return server;
  } catch (error) {
    await server.stop();
    throw error;
  }
}

async function acceptTlsAlone({ adminUrl, dataDirectory }: EmbeddedPostgres): Promise<void> {
  writeFileSync(join(dataDirectory, 'pg_hba.conf'), 'hostssl all all 127.0.0.1/32 scram-sha-256\n');
  const client = new Client({ connectionString: adminUrl });
  await client.connect();
  await client.query('select pg_reload_conf()');
  await client.end();
}

/** With the environment of compose but for the URL, whose query tells the job to ask for TLS. */
async function runBootstrapJob(adminUrl: string, secretsDirectory: string): Promise<void> {
  const { command = [], environment } = composeFile('docker-compose.yml').services['bootstrap'] ?? {};
  const { DATABASE_ADMIN_URL_FILE: _, ...passwords } = Object.fromEntries(
    Object.entries(environment ?? {}).map(([name, value]) => [
      name,
      value.replace('/run/secrets', secretsDirectory),
    ]),
  );
  const { search } = new URL(readFileSync(join(secretsDirectory, 'database-admin-url-tls'), 'utf8').trim());
  const env = {
    ...passwords,
    DATABASE_ADMIN_URL: adminUrl + search.replace('/run/secrets', secretsDirectory),
  };
  await promisify(execFile)(process.execPath, command.slice(1), { env });
}
