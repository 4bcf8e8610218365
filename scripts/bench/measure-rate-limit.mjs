/** A demand on a budget in Redis beside a bare GET, in turn within each round, and the memory of what was admitted. */
import { IN_FLIGHT } from './measure-calls.mjs';
import { startWorker } from './worker.mjs';

const KINDS = ['GET', 'rate limit'];
const WARM_UP_IN_FLIGHT = 16;

/** Resolves to `{ samples, bytes }`: one sample for each kind, number in flight and round, and bytes by admission. */
export async function measureRateLimit({ stackEnv, rounds, callMs, warmUpMs, admissions }) {
  const worker = await startWorker('limit-client', { redisUrl: stackEnv.REDIS_URL });
  try {
    for (const what of KINDS) await worker.ask({ what, inFlight: WARM_UP_IN_FLIGHT, ms: warmUpMs });
    const samples = [];
    for (let round = 0; round < rounds; round += 1) {
      for (const inFlight of IN_FLIGHT) {
        for (const what of KINDS) {
          const { calls, elapsedMs, cpuMicros } = await worker.ask({ what, inFlight, ms: callMs });
          samples.push({ what, inFlight, round, cpuMicros, perSecond: (calls * 1000) / elapsedMs });
        }
      }
    }
    const { bytes } = await worker.ask({ fill: admissions });
    return { samples, bytes };
  } finally {
    await worker.stop();
  }
}

/** What the limiter is held to, each quotient made within its round. */
export function barredRateLimit({ samples, bytes }, { spreadOf }) {
  const quotients = (figure, inFlight) => {
    const of = (what) => samples.filter((sample) => sample.what === what && sample.inFlight === inFlight);
    const [peers, own] = KINDS.map(of);
    return spreadOf(own.map((sample, round) => sample[figure] / peers[round][figure]));
  };
  return [
    ...IN_FLIGHT.map((n) => ({
      bar: 'k',
      what: `client CPU of a rate limit, by GET, ${n} in flight`,
      spread: quotients('cpuMicros', n),
      limits: { atMost: 1.6 },
    })),
    ...IN_FLIGHT.map((n) => ({
      bar: 'k',
      what: `rate of rate limits by GET, ${n} in flight`,
      spread: quotients('perSecond', n),
      limits: { atLeast: 0.5 },
    })),
    {
      bar: 'k',
      what: 'Redis memory of an admission kept, bytes',
      spread: spreadOf([bytes]),
      limits: { atMost: 16 },
    },
  ];
}
