import { rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { untilAnswers } from './answers.mjs';
import { composeAnswers, composeParts } from './compose-parts.mjs';
import { kafkaIsCached, nativeKafka } from './native-kafka.mjs';
import { nativePostgres } from './native-postgres.mjs';
import { nativeRedis } from './native-redis.mjs';
import { makeRunDirectory } from './run-directory.mjs';
import { provide } from './system-packages.mjs';

const root = resolve(import.meta.dirname, '..', '..');
const stackDirectory = join(root, '.stack');

/** The environment variable that names each part's server, to services and tests alike. */
export const VARIABLES = { kafka: 'KAFKA_BROKERS', redis: 'REDIS_URL', postgres: 'DATABASE_ADMIN_URL' };
const NATIVE = { kafka: nativeKafka, redis: nativeRedis, postgres: nativePostgres };

/**
 * Brings up the parts asked for, each in the first way that applies: a URL in `given`, a Docker engine that answers,
 * natively. Resolves when each has answered a request, to `{ env, parts, stop }`; every part has `url`, `origin` and
 * `stop()`, `kill()` (SIGKILL), `start()`, which take it away and bring it back on the same port and data.
 */
export async function startStack({
  parts: names = Object.keys(VARIABLES),
  given = process.env,
  load = false,
  say = console.log,
} = {}) {
  const isGiven = (name) => Boolean(given[VARIABLES[name]]);
  const own = names.filter((name) => !isGiven(name));
  const origin = own.length > 0 && composeAnswers(root) ? 'docker' : 'native';
  if (origin === 'native') provide(programsFor(own), say);

  const directory = own.length > 0 ? makeRunDirectory(stackDirectory) : null;
  const parts = {};
  let removeContainers = async () => {};
  const stop = async () => {
    const stopped = await Promise.allSettled(
      Object.values(parts).map((part) => part.origin !== 'given' && part.stop()),
    );
    await removeContainers();
    if (directory !== null) rmSync(directory, { recursive: true, force: true });
    const failure = stopped.find(({ status }) => status === 'rejected');
    if (failure) throw failure.reason;
  };

  try {
    const containers = origin === 'docker' ? await composeParts(own, { root, directory }) : null;
    if (containers) removeContainers = containers.remove;
    const results = await Promise.allSettled(
      names.map(async (name) => {
        if (isGiven(name)) {
          parts[name] = givenPart(name, given[VARIABLES[name]]);
          return untilAnswers(name, parts[name].url);
        }
        const part =
          containers?.parts[name] ??
          (await NATIVE[name]({ directory: join(directory, name), stackDirectory, load }));
        parts[name] = { ...part, origin };
        return part.start();
      }),
    );
    const failures = results.filter(({ status }) => status === 'rejected');
    if (failures.length > 0)
      throw new Error(failures.map(({ reason }) => reason.message).join('\n'), { cause: failures[0].reason });
  } catch (error) {
    await stop();
    throw error;
  }
  return { env: Object.fromEntries(names.map((name) => [VARIABLES[name], parts[name].url])), parts, stop };
}

function programsFor(names) {
  const kafka = names.includes('kafka') ? ['java', ...(kafkaIsCached(stackDirectory) ? [] : ['mvn'])] : [];
  return [...kafka, ...(names.includes('redis') ? ['redis-server'] : [])];
}

function givenPart(name, url) {
  const refuse = async () => {
    throw new Error(`${VARIABLES[name]} was given from outside: what runs there is not this stack's to stop`);
  };
  return { url, origin: 'given', start: refuse, stop: refuse, kill: refuse };
}
