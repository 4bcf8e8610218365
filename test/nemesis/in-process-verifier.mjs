/**
 * An internal service that verifies in its own process, on what was built. It answers over HTTP what its verifier says,
 * so that it can be asked as the verifiers are that stand alone:
 * POST /verify [{credential, requiredScopes, atLeastRevision?}, …] → [{answer, revision?}, …], one by itself, several
 * as a batch; 503 {answer} where there is no verdict. GET /health/ready → 200 while it may answer.
 */
import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';
import { Registry } from 'prom-client';
import { Rejection } from '#libs/contracts';
import { Consistency, VerifyRequest } from '#libs/contracts/gen/latchkey/v1/verifier_service';
import { createLogger, readEnvironment } from '#libs/service-kit';
import { verificationVariables } from '#libs/verification/config';
import { startVerification } from '#libs/verification/serve';

const CALLER = 'nemesis';
const logger = createLogger('in-process-verifier', 'warn');
const verification = startVerification(readEnvironment(verificationVariables, process.env), {
  view: undefined,
  logger,
  metrics: new Registry(),
});

const server = createServer(async (request, response) => {
  const { status, body } = await (request.url === '/verify' ? verify(request) : readiness());
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}).listen(Number(process.env.NEMESIS_PORT), '127.0.0.1');

process.once('SIGTERM', async () => {
  server.close();
  server.closeAllConnections();
  await verification.close();
});

async function readiness() {
  try {
    verification.check();
    return { status: 200, body: {} };
  } catch (error) {
    return { status: 503, body: { reason: error.message } };
  }
}

async function verify(request) {
  const { verifier } = verification;
  try {
    const requests = (await json(request)).map(requestOf);
    const [only] = requests;
    const verifications =
      requests.length === 1
        ? [await verifier.verify(only, CALLER)]
        : await verifier.verifyAll(requests, CALLER);
    return { status: 200, body: verifications.map(({ response }) => answerOf(response)) };
  } catch (error) {
    if (error instanceof Rejection) return { status: 503, body: { answer: error.code } };
    logger.error({ err: error }, 'a verification failed');
    return { status: 500, body: { answer: 'FAULT' } };
  }
}

function requestOf({ credential, requiredScopes, atLeastRevision }) {
  return VerifyRequest.fromPartial({
    credential,
    requiredScopes,
    ...(atLeastRevision !== undefined && { consistency: Consistency.AT_LEAST_AS_FRESH, atLeastRevision }),
  });
}

function answerOf({ verdict, revision }) {
  return { answer: verdict.replace('VERDICT_', ''), ...(revision !== '' && { revision }) };
}
