/** What the api's hooks cost: the same Nest route with them and without, in turn; the call to the verifier is left out. */
import { IN_FLIGHT } from './measure-calls.mjs';
import { withCpu } from './process-cpu.mjs';
import { startWorker } from './worker.mjs';

const HEADERS = { authorization: `Bearer sk_live_${'a1'.repeat(20)}` };
const KINDS = {
  bare: { path: '/v1/whoami', headers: HEADERS },
  hooked: { path: '/api/v1/whoami', headers: { ...HEADERS, host: 'seyn.localhost' } },
};
const WARM_UP_IN_FLIGHT = 16;

/** Resolves to one sample for each kind, number in flight and round: server CPU by request, microseconds. */
export async function measureHooks({ rounds, callMs, warmUpMs }) {
  const client = await startWorker('http-client');
  const servers = {};
  try {
    for (const kind of Object.keys(KINDS)) {
      servers[kind] = await startWorker('api-server', { kind });
    }
    const run = async (kind, inFlight, ms) => {
      const { path, headers } = KINDS[kind];
      const { pid, started } = servers[kind];
      const url = started.httpUrl + path;
      const { calls, cpuMs } = await withCpu(pid, () => client.ask({ url, headers, inFlight, ms }));
      return (cpuMs * 1000) / calls;
    };
    for (const kind of Object.keys(KINDS)) await run(kind, WARM_UP_IN_FLIGHT, warmUpMs);
    const samples = [];
    for (let round = 0; round < rounds; round += 1) {
      for (const inFlight of IN_FLIGHT) {
        for (const kind of Object.keys(KINDS)) {
          samples.push({ kind, inFlight, round, cpuMicros: await run(kind, inFlight, callMs) });
        }
      }
    }
    return samples;
  } finally {
    await client.stop();
    for (const server of Object.values(servers)) await server.stop();
  }
}

/** What the hooks are held to, each quotient made within its round. */
export function barredHooks(samples, { spreadOf }) {
  return IN_FLIGHT.map((n) => {
    const of = (kind) => samples.filter((sample) => sample.kind === kind && sample.inFlight === n);
    const [bare, hooked] = [of('bare'), of('hooked')];
    return {
      bar: 'l',
      what: `CPU of a request through the api’s hooks, by the bare route, ${n} in flight`,
      spread: spreadOf(hooked.map(({ cpuMicros }, round) => cpuMicros / bare[round].cpuMicros)),
      limits: { atMost: 1.5 },
    };
  });
}
