/** The load: calls of one kind, a number of them in flight, for some time. */
import grpc from '@grpc/grpc-js';
import {
  Counting,
  Verdict,
  VerifierServiceClient,
  VerifyRequest,
} from '#libs/contracts/gen/latchkey/v1/verifier_service';
import { KeyManagementServiceClient } from '#libs/contracts/gen/latchkey/v1/key_management_service';
import { serveWorker } from './worker.mjs';

const DEADLINE_MS = 10_000;

serveWorker(async ({ token, credentials, tenantIds }) => {
  const metadata = new grpc.Metadata();
  metadata.set('authorization', `Bearer ${token}`);
  const clients = new Map();
  let next = 0;

  function clientOf(Client, address) {
    const known = clients.get(address);
    if (known !== undefined) return known;
    const client = new Client(address, grpc.credentials.createInsecure());
    clients.set(address, client);
    return client;
  }

  function request(counting) {
    next = (next + 1) % credentials.length;
    return VerifyRequest.fromPartial({
      credential: credentials[next],
      requiredScopes: ['read'],
      counting: counting ? Counting.COUNT : Counting.CALLER_REPORTS,
      route: '/v1/parcels/:id',
      method: 'GET',
    });
  }

  /** Rejects on anything but VALID: what is fast because it refuses is not measured. */
  const kinds = {
    verify: ({ address, counting }) => {
      const client = clientOf(VerifierServiceClient, address);
      return (done) =>
        client.verify(
          request(counting),
          metadata,
          deadline(),
          done((answer) => valid([answer])),
        );
    },
    batch: ({ address, counting, batch }) => {
      const client = clientOf(VerifierServiceClient, address);
      return (done) => {
        const requests = Array.from({ length: batch }, () => request(counting));
        client.verifyBatch(
          { requests },
          metadata,
          deadline(),
          done(({ results }) => results.length === batch && valid(results)),
        );
      };
    },
    create: ({ address }) => {
      const client = clientOf(KeyManagementServiceClient, address);
      return (done) => {
        next += 1;
        const wish = { tenantId: tenantIds[next % tenantIds.length], name: 'bench', environment: 'live' };
        const rest = { scopes: ['read'], metadataJson: '{}', idempotencyKey: '' };
        client.createKey(
          { ...wish, ...rest },
          metadata,
          deadline(),
          done(({ secret }) => secret !== ''),
        );
      };
    },
  };

  return {
    answer: ({ kind, inFlight, ms, ...options }) => run(kinds[kind](options), inFlight, ms),
    stop: () => clients.forEach((client) => client.close()),
  };
});

function deadline() {
  return { deadline: Date.now() + DEADLINE_MS };
}

function valid(answers) {
  return answers.every(({ verdict }) => verdict === Verdict.VALID);
}

/** Resolves to how many calls were answered in how many milliseconds, and to each call's time, sorted. */
function run(call, inFlight, ms) {
  const timesMs = [];
  const startMs = performance.now();
  let running = inFlight;
  return new Promise((resolve, reject) => {
    const one = () => {
      const sentMs = performance.now();
      call((isRight) => (error, answer) => {
        if (error !== null) return reject(error);
        if (!isRight(answer)) return reject(new Error(`a wrong answer: ${JSON.stringify(answer)}`));
        const nowMs = performance.now();
        timesMs.push(nowMs - sentMs);
        if (nowMs - startMs < ms) return one();
        running -= 1;
        if (running > 0) return undefined;
        return resolve({
          calls: timesMs.length,
          elapsedMs: nowMs - startMs,
          timesMs: Float64Array.from(timesMs).sort(),
        });
      });
    };
    for (let i = 0; i < inFlight; i += 1) one();
  });
}
