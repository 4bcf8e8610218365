/** Verifiers in this process, as many as asked for, on a key-management that runs elsewhere. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { setTimeout as delay } from 'node:timers/promises';
import { Registry } from 'prom-client';
import { Counting, Verdict, VerifyRequest } from '#libs/contracts/gen/latchkey/v1/verifier_service';
import { ownRateLimits } from '#libs/rate-limit/serve';
import { createLogger, readEnvironment } from '#libs/service-kit';
import { verificationVariables } from '#libs/verification/config';
import { startVerification } from '#libs/verification/serve';
import { serveWorker } from './worker.mjs';

const LEASE_POLL_MS = 5;
const REGISTER_TIMEOUT_MS = 120_000;

serveWorker(async ({ environment, verifiers: count, collect }) => {
  const startMs = performance.now();
  const verifications = Array.from({ length: count }, (_, n) => start(environment, n));
  await Promise.all(verifications.map((verification) => untilLeased(verification, startMs)));
  const leasedAfterMs = performance.now() - startMs;
  let lapses = 0;
  let watching;

  function look() {
    for (const verification of verifications) if (!isLeased(verification)) lapses += 1;
  }

  return {
    started: { leasedAfterMs, ...(collect && { bytes: bytesInUse() }) },
    async answer({ decide, watchLeases }) {
      if (decide !== undefined) return measureDecisions(verifications[0].verifier, decide);
      clearInterval(watching);
      if (watchLeases) watching = setInterval(look, LEASE_POLL_MS);
      return { lapses };
    },
    async stop() {
      clearInterval(watching);
      await Promise.all(verifications.map((verification) => verification.close()));
    },
  };
});

function start({ managementAddress, serviceToken, sealKeys }, n) {
  const config = readEnvironment(verificationVariables, {
    LATCHKEY_MANAGEMENT_ADDRESS: managementAddress,
    LATCHKEY_SERVICE_TOKEN: serviceToken,
    LATCHKEY_SEAL_KEYS: sealKeys,
    LATCHKEY_VERIFIER_ID: `bench-${process.pid}-${n}`,
  });
  const logger = createLogger('bench', 'silent');
  const parts = { view: undefined, rateLimiting: ownRateLimits, logger, metrics: new Registry() };
  return startVerification(config, parts);
}

async function untilLeased(verification, startMs) {
  while (!isLeased(verification)) {
    if (performance.now() - startMs > REGISTER_TIMEOUT_MS) throw new Error('no lease was granted');
    await delay(LEASE_POLL_MS);
  }
}

function isLeased(verification) {
  try {
    verification.check();
    return true;
  } catch {
    return false;
  }
}

/** CPU time of one decision from the near cache; the first round reads every key through. */
async function measureDecisions(verifier, { credentials, count }) {
  const requests = credentials.map((credential) =>
    VerifyRequest.fromPartial({ credential, requiredScopes: ['read'], counting: Counting.CALLER_REPORTS }),
  );
  for (const request of requests) await verifier.verify(request, 'bench');
  const before = process.cpuUsage();
  for (let n = 0; n < count; n += 1) {
    const answer = verifier.verify(requests[n % requests.length], 'bench');
    if (answer.response?.verdict !== Verdict.VALID)
      throw new Error('a decision was not made at once, or not VALID');
  }
  const { user, system } = process.cpuUsage(before);
  return { cpuMicros: (user + system) / count };
}

/** Of objects and buffers that are still needed. */
function bytesInUse() {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
