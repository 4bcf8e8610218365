/** What immediate revocation costs: by the answer, with a dead verifier, in a storm, and with a million revoked keys. */
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { withPostgres } from './measure-creates.mjs';
import { startWorker } from './worker.mjs';

/** Beside the one that is there. */
const OTHER_VERIFIERS = ['auth-verifier-2', 'auth-verifier-3'];
const STORM_VERIFIERS = 10;
const STORM_REVOKES_PER_SECOND = 50;
const ROWS_PER_INSERT = 100_000;

/**
 * Ends `verifiers`, the names of those that run, when they are not needed any more. Resolves to `{ enforcedMs,
 * deadVerifierMs, boundMs, decisionMicros, storm: { times, lapses }, million: { registerMs, bytes } }`.
 * Ends with the fence log full of keys that never were: nothing is measured on it afterwards.
 */
export async function measureFence({ latchkey, verifiers, management, tenantIds, credentials, ...size }) {
  const make = (n) => makeKeys(management, tenantIds, n);
  const enforcedMs = await revokeWatched(latchkey, management, await make(size.changes));
  const { deadVerifierMs, boundMs } = await revokeBesideDeadVerifier(latchkey, management, await make(1));
  // What follows is measured on verifiers of its own.
  for (const name of [...verifiers, ...OTHER_VERIFIERS]) await latchkey.process(name).kill();
  const inProcess = inProcessOf(latchkey);
  const decisionMicros = await decisions(inProcess, credentials, size);
  const storm = await stormOf(
    inProcess,
    management,
    await make(size.stormSeconds * STORM_REVOKES_PER_SECOND),
  );
  const million = await millionOf(inProcess, latchkey, size.revokedKeys);
  return { enforcedMs, deadVerifierMs, boundMs, decisionMicros, storm, million };
}

async function makeKeys(management, tenantIds, count) {
  const keys = [];
  for (let n = 0; n < count; n += 1) {
    const path = `/v1/tenants/${tenantIds[n % tenantIds.length]}/keys`;
    const wish = { name: 'bench', environment: 'live', scopes: ['read'] };
    keys.push(`${path}/${(await management.call('POST', path, wish)).key.id}`);
  }
  return keys;
}

async function revoke(management, key) {
  const startMs = performance.now();
  const answer = await management.call('POST', `${key}/revoke`, { reason: 'bench' });
  if (answer.status !== 'enforced') throw new Error(`a revocation was answered ${JSON.stringify(answer)}`);
  return { ms: performance.now() - startMs, via: answer.via };
}

async function revokeWatched(latchkey, management, keys) {
  for (const instance of OTHER_VERIFIERS) await latchkey.start('auth-verifier', { instance });
  const times = [];
  for (const key of keys) {
    const { ms, via } = await revoke(management, key);
    if (via !== 'acks') throw new Error('a revocation beside healthy verifiers waited for a lease to end');
    times.push(ms);
  }
  return times;
}

async function revokeBesideDeadVerifier(latchkey, management, [key]) {
  const { revokeWorstCaseMs } = await management.call('GET', '/v1/guarantees');
  const verifier = latchkey.process(OTHER_VERIFIERS[0]);
  verifier.signal('SIGSTOP');
  try {
    return { deadVerifierMs: (await revoke(management, key)).ms, boundMs: revokeWorstCaseMs };
  } finally {
    verifier.signal('SIGCONT');
  }
}

/** What a verifier in another process of this machine starts with. */
function inProcessOf(latchkey) {
  const { LATCHKEY_SERVICE_TOKEN: serviceToken, LATCHKEY_SEAL_KEYS: sealKeys } =
    latchkey.environments['auth-verifier'];
  return { managementAddress: latchkey.addresses.management, serviceToken, sealKeys };
}

async function decisions(environment, credentials, { rounds, decisions: count }) {
  const worker = await startWorker('in-process-verifiers', { environment, verifiers: 1 });
  try {
    const micros = [];
    for (let round = 0; round < rounds; round += 1) {
      micros.push((await worker.ask({ decide: { credentials, count } })).cpuMicros);
    }
    return micros;
  } finally {
    await worker.stop();
  }
}

async function stormOf(environment, management, keys) {
  const worker = await startWorker('in-process-verifiers', { environment, verifiers: STORM_VERIFIERS });
  try {
    await worker.ask({ watchLeases: true });
    const revoking = [];
    const startMs = performance.now();
    for (const [n, key] of keys.entries()) {
      await delay(Math.max(0, startMs + (n * 1000) / STORM_REVOKES_PER_SECOND - performance.now()));
      revoking.push(revoke(management, key));
    }
    const times = (await Promise.all(revoking)).map(({ ms }) => ms);
    const { lapses } = await worker.ask({ watchLeases: false });
    return { times, lapses };
  } finally {
    await worker.stop();
  }
}

async function millionOf(environment, latchkey, revokedKeys) {
  const started = await startWorker('in-process-verifiers', { environment, verifiers: 1, collect: true });
  const few = started.started;
  await started.stop();
  await withPostgres(latchkey.databaseAdminUrl, async (database) => {
    for (let from = 0; from < revokedKeys; from += ROWS_PER_INSERT) {
      const rows = Math.min(ROWS_PER_INSERT, revokedKeys - from);
      // Ids as key-management draws them, from a seed of this run.
      await database.query(
        `with entries as (
           insert into keys.fence_log (seq, kind, subject, floor_version, terminal, profile)
           select head + n, 'KEY', 'key-key_' || substr(encode(sha256(($1 || n)::bytea), 'hex'), 1, 30), 2, true, 'default'
           from keys.fence_head, generate_series(1, $2::bigint) as n returning seq)
         update keys.fence_head set head = (select max(seq) from entries)`,
        [`${randomBytes(8).toString('hex')} `, rows],
      );
    }
  });
  const worker = await startWorker('in-process-verifiers', { environment, verifiers: 1, collect: true });
  const many = worker.started;
  await worker.stop();
  return { registerMs: many.leasedAfterMs, bytes: many.bytes - few.bytes };
}
