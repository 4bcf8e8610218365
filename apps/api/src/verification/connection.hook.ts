import { type IncomingMessage, ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { PROBLEM_TYPE } from '#libs/service-kit';
import type { WaitingConnections } from './waiting-connections.js';

/**
 * Brings to Fastify what Node's HTTP server would answer or drop by itself, so that hooks see every request that its
 * parser accepts: CONNECT, and an unknown Expect. (Expect: 100-continue and Upgrade without a listener are requests like
 * any other.) What is left to Node is no request: broken framing, no Host, more than 16 KiB of headers.
 */
export function routeEveryRequest(fastify: FastifyInstance, connections: WaitingConnections): void {
  const { server } = fastify;

  // From the first moment: hooks come later, and the rest of the same packet may break the framing before them.
  server.prependListener('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
    connections.whenOver(socket, response, () => undefined);
  });

  // No tunnel is ever opened: the answer is a refusal, and the connection, which has no parser any more, ends with it.
  server.on('connect', (request: IncomingMessage, socket: Socket) => {
    socket.on('error', () => socket.destroy());
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    try {
      response.assignSocket(socket);
    } catch {
      // An earlier request of the connection is still to be answered, and there is no queue to join any more.
      socket.destroy();
      return;
    }
    response.once('finish', () => {
      response.detachSocket(socket);
      socket.destroySoon();
    });
    // Read on, to notice when the client leaves.
    socket.resume();
    server.emit('request', request, response);
  });

  // RFC 9110, 10.1.1: 417 is allowed, not required.
  server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
    server.emit('request', request, response);
  });

  // Node makes a client error of a failed TLS handshake too. An answer could not be sent, and would be waited for for ever.
  server.removeAllListeners('tlsClientError');
  server.on('tlsClientError', (_: Error, socket: Socket) => socket.destroy());

  // Fastify would write 400 at once, also into an answer that is on its way, or before its request is counted.
  server.removeAllListeners('clientError');
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    if (!socket.writable || error.code === 'ECONNRESET' || connections.isWaiting(socket)) {
      socket.destroy();
      return;
    }
    socket.write(unreadableAnswer(CLIENT_ERRORS[error.code ?? ''] ?? 400));
    socket.destroySoon();
  });
}

const CLIENT_ERRORS: Record<string, number> = { ERR_HTTP_REQUEST_TIMEOUT: 408, HPE_HEADER_OVERFLOW: 431 };

function unreadableAnswer(status: number): string {
  const title = STATUS_CODES[status] ?? 'Bad Request';
  const body = JSON.stringify({ type: 'about:blank', title, status });
  return [
    `HTTP/1.1 ${status} ${title}`,
    'Connection: close',
    `Content-Type: ${PROBLEM_TYPE}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n');
}
