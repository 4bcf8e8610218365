/** Sends a log's requests through the api: raw targets, in order, each until it has an answer that names a verdict. */
import { Agent, request as httpRequest } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { forEachInFlight } from './in-flight.mjs';

const IN_FLIGHT_MAX = 32;
const ANSWER_TIMEOUT_MS = 30_000;
/** A request that has no verdict by then fails the replay: something did not come back. */
const VERDICT_TIMEOUT_MS = 120_000;
const RETRY_MS_MIN = 20;
const RETRY_MS_MAX = 500;

/**
 * Sends `requests` with the key of their client to the api at `apiUrl`. They start in the order of the log, several at
 * a time, but never two of one client at once. `onAnswered(n)` is called when n of them are answered. Resolves to
 * `{ statuses, unavailable, unreached, lost, refused }`: answers by status, 503 answers, refused connections (neither is
 * ever counted), by client the attempts whose answer was lost on the way, which may have been counted, and the lines
 * that Node's HTTP parser refused, which never were requests.
 */
export async function sendRequests(requests, { apiUrl, secrets, onAnswered }) {
  const agent = new Agent({ keepAlive: true, maxSockets: IN_FLIGHT_MAX });
  const result = { statuses: new Map(), unavailable: 0, unreached: 0, lost: new Map(), refused: [] };
  const lastOf = new Map();
  let answered = 0;

  async function untilVerdict(logged) {
    const deadlineMs = Date.now() + VERDICT_TIMEOUT_MS;
    for (let pauseMs = RETRY_MS_MIN; ; pauseMs = Math.min(2 * pauseMs, RETRY_MS_MAX)) {
      const answer = await attempt(agent, apiUrl, logged, secrets.get(logged.client));
      if (answer.status !== undefined && answer.status !== 503) return answer;
      if (answer.status === 503) result.unavailable += 1;
      else if (answer.code === 'ECONNREFUSED') result.unreached += 1;
      else result.lost.set(logged.client, (result.lost.get(logged.client) ?? 0) + 1);
      if (Date.now() > deadlineMs) {
        throw new Error(`line ${logged.line} has no verdict after ${VERDICT_TIMEOUT_MS / 1000} s`);
      }
      await delay(pauseMs);
    }
  }

  async function send(logged) {
    const { status, requestId } = await untilVerdict(logged);
    // Every request that the api sees gets an id.
    if (requestId === undefined) {
      result.refused.push({ line: logged.line, reason: `was answered ${status} by the HTTP parser` });
    } else {
      result.statuses.set(status, (result.statuses.get(status) ?? 0) + 1);
    }
    answered += 1;
    onAnswered(answered);
  }

  try {
    await forEachInFlight(requests, IN_FLIGHT_MAX, (logged) => {
      const sent = (lastOf.get(logged.client) ?? Promise.resolve()).then(() => send(logged));
      lastOf.set(
        logged.client,
        sent.catch(() => undefined),
      );
      return sent;
    });
  } finally {
    agent.destroy();
  }
  return result;
}

/** One attempt: `{ status, requestId }` when an answer came whole, `{ code }` when none did. */
export function attempt(agent, apiUrl, { method, target }, secret) {
  const { hostname, port } = new URL(apiUrl);
  return new Promise((resolve) => {
    const request = httpRequest({
      agent,
      hostname,
      port,
      method,
      path: target,
      headers: { authorization: `Bearer ${secret}` },
      timeout: ANSWER_TIMEOUT_MS,
    });
    const answer = (response) => {
      const requestId = response.headers['x-request-id'];
      response.resume();
      response.once('end', () => resolve({ status: response.statusCode, requestId }));
      response.once('error', ({ code }) => resolve({ code }));
    };
    request.once('response', answer);
    // Node's client gives the answer to CONNECT, whatever it is, with the socket: what follows is no HTTP any more.
    request.once('connect', (response, socket) => {
      socket.destroy();
      resolve({ status: response.statusCode, requestId: response.headers['x-request-id'] });
    });
    request.once('timeout', () => request.destroy(Object.assign(new Error(), { code: 'ETIMEDOUT' })));
    request.once('error', ({ code }) => resolve({ code }));
    request.end();
  });
}
