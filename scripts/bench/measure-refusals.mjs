/** How long a refusal takes at the public API, by what the key is that was shown: its time must not tell. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Agent, request } from 'node:http';

const NEVER_WAS = 'a key that never was';
const WERE = ['a revoked key', 'a retired secret'];

/**
 * Resolves, by kind of key, to milliseconds from sending a request to its whole answer, of `refusals` requests each, in
 * turn and in changing order. Every key is shown once: nothing is remembered of it.
 */
export async function measureRefusals({ latchkey, management, tenantIds, refusals }) {
  const { readProfile } = await import('#libs/profiles/file-profiles');
  const { format } = readProfile('deploy/profiles/default.yaml').profile.keys;
  const { httpUrl } = await latchkey.start('api');
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const times = Object.fromEntries([NEVER_WAS, ...WERE].map((kind) => [kind, []]));
  try {
    for (let n = 0; n < refusals; n += 1) {
      const path = `/v1/tenants/${tenantIds[n % tenantIds.length]}/keys`;
      const [revoked, retired] = [await make(management, path), await make(management, path)];
      await management.call('POST', `${path}/${revoked.key.id}/revoke`, { reason: 'bench' });
      await management.call('POST', `${path}/${retired.key.id}/rotate`, { graceSeconds: 0 });
      const shown = [
        [NEVER_WAS, format.compose('live', '', randomBytes)],
        [WERE[0], revoked.secret],
        [WERE[1], retired.secret],
      ];
      for (let turn = 0; turn < shown.length; turn += 1) {
        const [kind, secret] = shown[(n + turn) % shown.length];
        times[kind].push(await refusalMs(httpUrl, agent, secret));
      }
    }
  } finally {
    agent.destroy();
    await latchkey.process('api').kill();
  }
  return times;
}

/** The figures of a report: times by kind, and how well they tell a key that was from one that never was. */
export function refusalFigures(times, { percentileOf }) {
  return [
    ...[NEVER_WAS, ...WERE].map((kind) => {
      const sorted = times[kind].toSorted((a, b) => a - b);
      const spread = { median: percentileOf(sorted, 0.5), min: sorted[0], max: sorted.at(-1) };
      return { what: `refusal of ${kind}, over HTTP`, spread, unit: 'ms' };
    }),
    ...WERE.map((kind) => {
      const telling = tellingOf(times[kind], times[NEVER_WAS]);
      const spread = { median: telling, min: telling, max: telling };
      return { what: `${kind} refused later than a key that never was`, spread, unit: 'of all pairs' };
    }),
  ];
}

/** How often one of `some` took longer than one of `others`, of all pairs: 0.5 tells nothing (Mann and Whitney's U). */
function tellingOf(some, others) {
  const later = some.flatMap((ms) => others.map((other) => (ms > other ? 1 : ms === other ? 0.5 : 0)));
  return later.reduce((sum, one) => sum + one, 0) / later.length;
}

function make(management, path) {
  return management.call('POST', path, { name: 'bench', environment: 'live', scopes: ['read'] });
}

async function refusalMs(httpUrl, agent, secret) {
  const headers = { authorization: `Bearer ${secret}` };
  const startMs = performance.now();
  const outgoing = request(`${httpUrl}/v1/whoami`, { agent, headers });
  outgoing.end();
  const [incoming] = await once(outgoing, 'response');
  incoming.resume();
  await once(incoming, 'end');
  const elapsedMs = performance.now() - startMs;
  if (incoming.statusCode !== 401) throw new Error(`a refusal was answered with ${incoming.statusCode}`);
  return elapsedMs;
}
