/** Requests over connections that are kept, one for each in flight. */
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { forInFlight } from './for-in-flight.mjs';
import { serveWorker } from './worker.mjs';

const CONNECTIONS_MAX = 64;

serveWorker(async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS_MAX });
  const get = async (url, headers) => {
    const outgoing = request(url, { agent, headers });
    outgoing.end();
    const [incoming] = await once(outgoing, 'response');
    incoming.resume();
    await once(incoming, 'end');
    if (incoming.statusCode !== 200) throw new Error(`${url} answered ${incoming.statusCode}`);
  };
  return {
    answer: ({ url, headers, inFlight, ms }) => forInFlight(() => get(url, headers), inFlight, ms),
    stop: () => agent.destroy(),
  };
});
