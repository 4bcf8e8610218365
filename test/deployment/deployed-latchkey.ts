import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '#libs/testing/free-port';
import type { Latchkey } from '#libs/testing/latchkey-processes';
import { type SpawnedProcess, spawnService } from '#libs/testing/spawn-service';
import { composeFile, overridden } from './compose-file.js';
import { startDeployedBroker } from './deployed-broker.js';
import { startDeployedPostgres } from './deployed-postgres.js';
import { startDeployedRedis } from './deployed-redis.js';
import { makeCertificates, makeSecrets } from './deployment-scripts.js';
import { SERVICE_VARIABLES, type VariableTable } from './service-variables.js';

/**
 * The services with the environment that compose gives them: its accounts, tokens, access lists and TLS. Only where
 * things listen is another, since all of them share this host.
 */
export async function startDeployedLatchkey(): Promise<Latchkey & { stop(): Promise<void> }> {
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-deployed-'));
  const secrets = join(directory, 'secrets');
  const override = composeFile('deploy/docker-compose.tls.yml');
  const compose = overridden(composeFile('docker-compose.yml'), override);
  const closers: (() => Promise<unknown>)[] = [async () => rmSync(directory, { recursive: true })];
  const stop = async () => {
    for (const close of closers.splice(0).toReversed()) await close();
  };
  try {
    await makeSecrets(secrets);
    await makeCertificates(secrets);
    const broker = await startDeployedBroker(join(directory, 'kafka'), secrets);
    closers.push(() => broker.stop());
    const redis = await startDeployedRedis(directory, secrets, override);
    closers.push(() => redis.stop());
    const postgres = await startDeployedPostgres(join(directory, 'postgres'), secrets);
    closers.push(() => postgres.stop());
    await broker.applyAccessList();

    const places = await listeningPlaces();
    const moved: [string, string][] = [
      ...places.entries(),
      ['kafka:9092', broker.address],
      ['redis:6379', `127.0.0.1:${redis.port}`],
      ['postgres:5432/latchkey', `127.0.0.1:${postgres.port}/postgres`],
      ['/run/secrets', secrets],
    ];
    const move = (text: string) => moved.reduce((result, [from, to]) => result.replaceAll(from, to), text);
    for (const name of readdirSync(secrets).filter((file) => file.includes('-url'))) {
      const text = move(readFileSync(join(secrets, name), 'utf8'));
      rmSync(join(secrets, name));
      writeFileSync(join(secrets, name), text);
    }

    const services: SpawnedProcess[] = [];
    closers.push(() => Promise.all(services.map((service) => service.kill())));
    const portOf = (place: string) => Number(places.get(place)?.split(':')[1]);
    const start = async (name: string, table: VariableTable) => {
      const given = Object.entries(compose.services[name]?.environment ?? {});
      const environment = Object.fromEntries(given.map(([variable, value]) => [variable, move(value)]));
      for (const { name: variable, default: port } of Object.values(table)) {
        if (variable.endsWith('_PORT')) environment[variable] = String(portOf(`${name}:${port}`));
      }
      const service = spawnService(name, { ...environment, LATCHKEY_DATA_DIR: join(directory, name) });
      services.push(service);
      await service.untilReady(portOf(`${name}:${table['httpPort']?.default}`), { timeoutMs: 60_000 });
    };
    await Promise.all(Object.entries(SERVICE_VARIABLES).map(([name, table]) => start(name, table)));

    const place = (name: string) => places.get(name) ?? '';
    return {
      apiUrl: `http://${place('api:3000')}`,
      managementUrl: `http://${place('key-management:3001')}`,
      usageUrl: `http://${place('usage:3002')}`,
      verifierUrl: `http://${place('auth-verifier:3003')}`,
      addresses: {
        verifier: place('auth-verifier:50051'),
        management: place('key-management:50052'),
        usage: place('usage:50053'),
      },
      operatorToken: readFileSync(join(secrets, 'operator-token'), 'utf8').trim(),
      serviceToken: readFileSync(join(secrets, 'service-token-client'), 'utf8').trim(),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A free port of loopback for each `host:port` that a service listens on in compose. */
async function listeningPlaces(): Promise<Map<string, string>> {
  const places = new Map<string, string>();
  for (const [name, table] of Object.entries<VariableTable>(SERVICE_VARIABLES)) {
    for (const { name: variable, default: port } of Object.values(table)) {
      if (variable.endsWith('_PORT')) places.set(`${name}:${port}`, `127.0.0.1:${await freePort()}`);
    }
  }
  return places;
}
