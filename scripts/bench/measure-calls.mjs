/** Verify and VerifyBatch from the near cache and with Redis asked, and the bare echo, in turn within each round. */
import { setTimeout as delay } from 'node:timers/promises';
import { withCpu } from './process-cpu.mjs';

export const IN_FLIGHT = [1, 16, 64];
export const BATCH = 100;
const WARM_UP_IN_FLIGHT = 16;
const POLL_MS = 20;

/** Resolves to one sample for each kind, number in flight and round: `{ what, inFlight, round, cpuMicros, … }`. */
export async function measureCalls({ client, echo, verifiers, rounds, callMs, warmUpMs, percentileOf }) {
  const kinds = [
    { what: 'echo', pid: echo.pid, kind: 'verify', address: echo.started.address, keys: 1 },
    ...Object.entries(verifiers).flatMap(
      ([
        from,
        {
          process: { pid },
          grpcAddress: address,
          httpUrl,
        },
      ]) => {
        const verifier = { pid, address, httpUrl };
        return [
          { ...verifier, what: `Verify, ${from}, usage off`, kind: 'verify', counting: false, keys: 1 },
          { ...verifier, what: `Verify, ${from}, usage on`, kind: 'verify', counting: true, keys: 1 },
          { ...verifier, what: `VerifyBatch, ${from}`, kind: 'batch', counting: false, keys: BATCH },
        ];
      },
    ),
  ].map((kind) => ({ ...kind, batch: BATCH }));

  const measure = (kind, inFlight, ms) =>
    withCpu(kind.pid, async () => {
      const { pid: _, what: __, httpUrl, ...question } = kind;
      const result = await client.ask({ ...question, inFlight, ms });
      // What was counted is published after its answer: that is part of what it costs.
      if (kind.counting) await untilPublished(httpUrl);
      return result;
    });

  for (const kind of kinds) await measure(kind, WARM_UP_IN_FLIGHT, warmUpMs);
  const samples = [];
  for (let round = 0; round < rounds; round += 1) {
    for (const inFlight of IN_FLIGHT) {
      for (const kind of kinds) {
        const { calls, elapsedMs, timesMs, cpuMs } = await measure(kind, inFlight, callMs);
        samples.push({
          what: kind.what,
          inFlight,
          round,
          cpuMicros: (cpuMs * 1000) / (calls * kind.keys),
          perSecond: (calls * kind.keys * 1000) / elapsedMs,
          p50Ms: percentileOf(timesMs, 0.5),
          p99Ms: percentileOf(timesMs, 0.99),
        });
      }
    }
  }
  return samples;
}

async function untilPublished(httpUrl) {
  for (;;) {
    const metrics = await (await fetch(`${httpUrl}/metrics`)).text();
    const pending = /^latchkey_spool_events_pending (\d+)/m.exec(metrics)?.[1];
    if (pending === undefined) throw new Error('auth-verifier does not tell how many events are pending');
    if (pending === '0') return;
    await delay(POLL_MS);
  }
}
