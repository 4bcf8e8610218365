/** A real HTTP server that takes what an error tracker is told, for the specs. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export interface WebhookReceiver {
  url: string;
  /** What was posted, in its order. */
  readonly received: { headers: NodeJS.Dict<string | string[]>; body: string }[];
  /** Status of the answers; null: the request is taken and never answered. */
  status: number | null;
  close(): Promise<void>;
}

export async function receiveWebhooks(): Promise<WebhookReceiver> {
  const server = createServer(async (request, response) => {
    receiver.received.push({ headers: request.headers, body: await text(request) });
    if (receiver.status !== null)
      response.writeHead(receiver.status, { location: '/elsewhere' }).end('taken');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const receiver: WebhookReceiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook/secret-path`,
    received: [],
    status: 200,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return receiver;
}
