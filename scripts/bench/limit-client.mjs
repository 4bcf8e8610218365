/** A client of Redis that takes rate limits, and reads strings over a connection with the same settings. */
import { once } from 'node:events';
import { RedisRateLimiter } from '#libs/rate-limit/redis-rate-limiter';
import { RedisConnection } from '#libs/service-kit/redis-connection';
import { forInFlight } from './for-in-flight.mjs';
import { serveWorker } from './worker.mjs';

const SUBJECTS = 100;
/** What a key is known by. */
const SUBJECT_CHARACTERS = 34;
/** Every demand is admitted, which costs more than to refuse it. */
const LIMIT = 1_000_000_000;
const STRING_BYTES = 40;
/** Of each of the subjects whose memory is measured. */
const ADMISSIONS_EACH = 600;
const CHECK_MS = 5;

serveWorker(async ({ redisUrl }) => {
  const options = { url: redisUrl, cluster: false, tlsCaFile: '', onAway: () => undefined };
  const connection = new RedisConnection({ ...options, name: 'latchkey-bench' });
  const limiter = new RedisRateLimiter(options);
  await once(connection.client, 'ready');
  while (!(await passes(limiter))) await new Promise((resolve) => setTimeout(resolve, CHECK_MS));
  const subjects = Array.from({ length: SUBJECTS }, (_, n) => `bench-${n}`.padEnd(SUBJECT_CHARACTERS, '-'));
  const keys = subjects.map((subject) => `bench:${subject}`);
  for (const key of keys) await connection.client.set(key, 'x'.repeat(STRING_BYTES));

  const works = {
    GET: (n) => connection.client.get(keys[n % SUBJECTS]),
    'rate limit': (n) => limiter.consume([{ subject: subjects[n % SUBJECTS], limit: LIMIT, cost: 1 }]),
  };

  async function measure({ what, inFlight, ms }) {
    const before = process.cpuUsage();
    const { calls, elapsedMs } = await forInFlight(works[what], inFlight, ms);
    const { user, system } = process.cpuUsage(before);
    return { calls, elapsedMs, cpuMicros: (user + system) / calls };
  }

  /** Admits so many in all of new subjects; resolves to the bytes that Redis holds more by each. */
  async function fill(admissions) {
    const before = await bytesInUse(connection.client);
    for (let n = 0; n < admissions; n += ADMISSIONS_EACH) {
      const subject = `fill-${n}`.padEnd(SUBJECT_CHARACTERS, '-');
      const demand = { subject, limit: ADMISSIONS_EACH, cost: 1 };
      await limiter.consume(Array.from({ length: ADMISSIONS_EACH }, () => demand));
    }
    return { bytes: ((await bytesInUse(connection.client)) - before) / admissions };
  }

  return {
    answer: (question) => (question.fill === undefined ? measure(question) : fill(question.fill)),
    async stop() {
      await limiter.close();
      await connection.close();
    },
  };
});

async function passes(limiter) {
  try {
    await limiter.check();
    return true;
  } catch {
    return false;
  }
}

async function bytesInUse(redis) {
  return Number(/used_memory:(\d+)/.exec(await redis.info('memory'))[1]);
}
