import type { FastifyInstance } from 'fastify';
import { Histogram, type Registry } from 'prom-client';
import { Rejection } from '#libs/contracts';
import { type FaultReporter, UNKNOWN_ROUTE } from './fault.reporter.js';
import { jsonProblem } from './json-body.js';
import type { Logger } from './logger.js';
import { traceIdOf } from './request-context.js';

/** Gives every request its id, and its line in the log and its time in the metrics when it is answered. */
export function observeRequests(
  fastify: FastifyInstance,
  { logger, metrics, faults }: { logger: Logger; metrics: Registry; faults: FaultReporter },
): void {
  const duration = new Histogram({
    name: 'latchkey_http_request_duration_seconds',
    help: 'Time from a request to its answer, by method, route pattern and status.',
    labelNames: ['method', 'route', 'status'],
    registers: [metrics],
  });
  fastify.addHook('onRoute', ({ url }) => faults.expect(url));
  fastify.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
  });
  fastify.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? UNKNOWN_ROUTE;
    const seconds = reply.elapsedTime / 1000;
    duration.observe({ method: request.method, route, status: reply.statusCode }, seconds);
    logger.info(
      {
        requestId: request.id,
        traceId: traceIdOf(request.headers.traceparent),
        method: request.method,
        route,
        status: reply.statusCode,
        durationMs: Math.round(seconds * 1000),
      },
      'request',
    );
  });
}

/** A body that is announced as JSON and is not there is none: many clients announce it with every request. */
export function takeEmptyBodies(fastify: FastifyInstance): void {
  const parse = fastify.getDefaultJsonParser('error', 'error');
  fastify.removeContentTypeParser('application/json');
  fastify.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null);
    else void parse(request, body as string, done);
  });
}

/** Before anything works on the body recursively. */
export function refuseUnsafeBodies(fastify: FastifyInstance): void {
  fastify.addHook('preValidation', async ({ body }) => {
    const message = jsonProblem(body);
    if (message !== undefined) throw new Rejection('INVALID_REQUEST', [{ field: 'body', message }]);
  });
}
