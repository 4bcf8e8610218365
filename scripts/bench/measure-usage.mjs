/** How fast usage counts what waits for it: started on a topic that was filled before, until all is in PostgreSQL. */
import { setTimeout as delay } from 'node:timers/promises';
import { withPostgres } from './measure-creates.mjs';
import { cpuMsOf } from './process-cpu.mjs';
import { publishEvents } from './publish-events.mjs';

const POLL_MS = 20;
const STALLED_MS = 60_000;

/** Resolves to `{ perSecond, cpuMicros }` by round: from the first event counted to the last, the process's CPU by event. */
export async function measureUsage({ latchkey, stackEnv, rounds, events }) {
  const rates = { perSecond: [], cpuMicros: [] };
  await withPostgres(stackEnv.DATABASE_ADMIN_URL, async (database) => {
    // Its tables are there once it has started.
    await latchkey.start('usage');
    const countedNow = async () => {
      const { rows } = await database.query(
        'select coalesce(sum(count), 0) as counted from usage.request_counts',
      );
      return Number(rows[0].counted);
    };
    await untilStill(countedNow);
    for (let round = 0; round < rounds; round += 1) {
      await latchkey.process('usage').kill();
      const before = await countedNow();
      const published = await publishEvents(stackEnv, events);
      const started = latchkey.start('usage');
      const first = await untilMore(countedNow, before);
      const beganMs = performance.now();
      const cpuBeforeMs = cpuMsOf(latchkey.process('usage').pid);
      let counted = first;
      while (counted < before + published) {
        await delay(POLL_MS);
        counted = await countedNow();
        if (performance.now() - beganMs > STALLED_MS) throw new Error('usage has not caught up');
      }
      if (counted !== before + published)
        throw new Error(`${counted - before} of ${published} events are counted`);
      const elapsedMs = performance.now() - beganMs;
      const cpuMs = cpuMsOf(latchkey.process('usage').pid) - cpuBeforeMs;
      await started;
      rates.perSecond.push(((counted - first) * 1000) / elapsedMs);
      rates.cpuMicros.push((cpuMs * 1000) / (counted - first));
    }
  });
  return rates;
}

async function untilMore(countedNow, before) {
  const startMs = performance.now();
  while (performance.now() - startMs < STALLED_MS) {
    const counted = await countedNow();
    if (counted > before) return counted;
    await delay(POLL_MS);
  }
  throw new Error('usage counts nothing');
}

/** What earlier parts of the run reported is counted first. */
async function untilStill(countedNow) {
  let last = -1;
  for (let still = 0; still < 5; await delay(500)) {
    const counted = await countedNow();
    still = counted === last ? still + 1 : 0;
    last = counted;
  }
}
