/**
 * Servers from the images that docker-compose.yml deploys, without its accounts and certificates: tests make their own.
 * Each run is a compose project of its own, named after this process.
 */
import { execFile, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { importSource } from '../import-source.mjs';
import { untilAnswers } from './answers.mjs';
import { isRunning } from './run-directory.mjs';
import { singleNodeProperties } from './native-kafka.mjs';

const PROJECT = 'latchkey-stack';
const run = promisify(execFile);

/** Whether a Docker engine answers and its client knows compose. */
export function composeAnswers(root) {
  if (!existsSync(join(root, 'docker-compose.yml'))) return false;
  const options = { stdio: 'ignore', timeout: 10_000 };
  return ['info', 'compose version'].every(
    (args) => spawnSync('docker', args.split(' '), options).status === 0,
  );
}

/** Parts by name, each with `url`, `start`, `stop`, `kill`; `remove` takes the whole project away. */
export async function composeParts(names, { root, directory }) {
  await removeAbandonedProjects();
  const { freePort } = await importSource('libs/service-kit/src/embedded-free-port.ts');
  const ports = Object.fromEntries(await Promise.all(names.map(async (name) => [name, await freePort()])));
  const password = randomBytes(16).toString('hex');
  const images = imagesOf(readFileSync(join(root, 'docker-compose.yml'), 'utf8'));
  const file = join(directory, 'compose.json');
  writeFileSync(file, JSON.stringify({ services: services(names, { images, ports, password }) }), {
    mode: 0o600,
  });
  const compose = (...args) =>
    run('docker', ['compose', '-p', `${PROJECT}-${process.pid}`, '-f', file, ...args]);
  const urls = {
    kafka: `127.0.0.1:${ports.kafka}`,
    redis: `redis://127.0.0.1:${ports.redis}`,
    postgres: `postgres://postgres:${password}@127.0.0.1:${ports.postgres}/postgres`,
  };
  const part = (name) => ({
    url: urls[name],
    async start() {
      await compose('up', '-d', '--no-deps', name);
      await untilAnswers(name, urls[name]);
    },
    stop: () => compose('stop', name),
    kill: () => compose('kill', name),
  });
  return {
    parts: Object.fromEntries(names.map((name) => [name, part(name)])),
    remove: () => compose('down', '--volumes', '--timeout', '5'),
  };
}

/** The images of the deployment, so that tests run against the versions that are deployed. */
export function imagesOf(composeYaml) {
  const { services: deployed } = parse(composeYaml);
  return Object.fromEntries(Object.entries(deployed).map(([name, service]) => [name, service.image]));
}

/** JSON is YAML: this is the compose file of one run. */
export function services(names, { images, ports, password }) {
  const all = {
    kafka: {
      image: images.kafka,
      ports: [`127.0.0.1:${ports.kafka}:19092`],
      environment: kafkaEnvironment(ports.kafka),
    },
    redis: {
      image: images.redis,
      ports: [`127.0.0.1:${ports.redis}:6379`],
      command: ['redis-server', '--save', '', '--appendonly', 'no'],
    },
    postgres: {
      image: images.postgres,
      ports: [`127.0.0.1:${ports.postgres}:5432`],
      command: ['postgres', '-c', 'max_connections=200'],
      environment: { POSTGRES_PASSWORD: password },
    },
  };
  return Object.fromEntries(names.map((name) => [name, all[name]]));
}

/** Kafka's image reads a property `a.b` from the variable KAFKA_A_B. */
function kafkaEnvironment(port) {
  const properties = {
    'node.id': 1,
    'process.roles': 'broker,controller',
    'controller.quorum.voters': '1@127.0.0.1:9093',
    listeners: 'PLAINTEXT://0.0.0.0:19092,CONTROLLER://127.0.0.1:9093',
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    ...singleNodeProperties,
  };
  return Object.fromEntries(
    Object.entries(properties).map(([name, value]) => [
      `KAFKA_${name.replaceAll('.', '_').toUpperCase()}`,
      String(value),
    ]),
  );
}

/** Containers do not die with the process that asked for them. */
async function removeAbandonedProjects() {
  const { stdout } = await run('docker', ['compose', 'ls', '--all', '--format', 'json']);
  for (const { Name: name } of JSON.parse(stdout)) {
    const pid = new RegExp(`^${PROJECT}-(\\d+)$`).exec(name)?.[1];
    if (pid !== undefined && !isRunning(Number(pid)))
      await run('docker', ['compose', '-p', name, 'down', '--volumes', '--timeout', '5']);
  }
}
