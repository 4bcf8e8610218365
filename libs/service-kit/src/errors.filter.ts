import { Metadata, type ServerUnaryCall, status as grpcStatus } from '@grpc/grpc-js';
import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { throwError } from 'rxjs';
import { REJECTIONS, Rejection, type RejectionCode } from '#libs/contracts';
import { type FaultReporter, UNKNOWN_ROUTE } from './fault.reporter.js';
import { type HttpError, problemAnswer, type RenderedError } from './problem.js';
import { traceIdOf } from './request-context.js';
import { STATUS_DETAILS, statusWithRetry } from './retry-info.js';

/** Of a gRPC call, what tells one from another. */
export type FailedCall = Pick<ServerUnaryCall<unknown, unknown>, 'metadata' | 'getPath'>;

/** Words an error for whoever sent the request. */
export type ErrorRenderer = (error: HttpError, request: FastifyRequest) => RenderedError;

/** Turns rejections and faults into the wire: problem+json over HTTP, a status with metadata over gRPC. */
@Catch()
export class ErrorsFilter implements ExceptionFilter {
  constructor(
    private readonly faults: FaultReporter,
    /** How errors read over HTTP. */
    private readonly render: ErrorRenderer = (error, request) => problemAnswer(error, request.id),
  ) {}

  catch(error: unknown, host: ArgumentsHost): unknown {
    // Nest hands a gRPC handler the message, the metadata and the call.
    if (host.getType() === 'rpc')
      return throwError(() => this.grpcStatusOf(error, host.getArgByIndex<FailedCall>(2)));
    const http = host.switchToHttp();
    this.overHttp(error, http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>());
    return undefined;
  }

  /** Answers a request whose handling threw; also called from Fastify hooks, which Nest's filters don't see. */
  overHttp(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
    const rejection = rejectionOf(error);
    const errorId = rejection === undefined ? this.faults.report(error, placeOfRequest(request)) : null;
    const { status, contentType, body, realm } = this.render({ rejection, errorId }, request);
    if (errorId !== null) reply.header('x-error-id', errorId);
    if (rejection?.retryAfterSeconds !== undefined) reply.header('retry-after', rejection.retryAfterSeconds);
    if (status === 401 && !reply.hasHeader('www-authenticate')) {
      reply.header('www-authenticate', `Bearer realm="${realm}"`);
    }
    void reply.status(status).type(contentType).send(JSON.stringify(body));
  }

  /** The status a call ends with whose handling threw. */
  grpcStatusOf(error: unknown, call: FailedCall): { code: grpcStatus; details: string; metadata: Metadata } {
    const rejection = rejectionOf(error);
    const metadata = new Metadata();
    if (rejection === undefined) {
      const errorId = this.faults.report(error, placeOfCall(call));
      metadata.set('latchkey-error-id', errorId);
      return { code: grpcStatus.INTERNAL, details: `Internal error ${errorId}.`, metadata };
    }
    metadata.set('latchkey-rejection', rejection.code);
    if (rejection.fields.length > 0)
      metadata.set('latchkey-fields-bin', Buffer.from(JSON.stringify(rejection.fields)));
    const fields = rejection.fields.map(({ field, message }) => ` ${field}: ${message}.`).join('');
    const code = grpcStatus[REJECTIONS[rejection.code].grpc];
    const details = rejection.message + fields;
    if (rejection.retryAfterSeconds !== undefined)
      metadata.set(STATUS_DETAILS, statusWithRetry(code, details, rejection.retryAfterSeconds));
    return { code, details, metadata };
  }
}

function placeOfRequest(request: FastifyRequest) {
  const { id, method, headers, routeOptions } = request;
  return {
    requestId: id,
    traceId: traceIdOf(headers.traceparent),
    route: routeOptions.url ?? UNKNOWN_ROUTE,
    method,
  };
}

function placeOfCall(call: FailedCall) {
  const traceId = traceIdOf(call.metadata.get('traceparent')[0]?.toString());
  return { requestId: null, traceId, route: call.getPath(), method: 'gRPC' };
}

/** Framework refusals become ours; what is no refusal is a fault. */
function rejectionOf(error: unknown): Rejection | undefined {
  if (error instanceof Rejection) return error;
  const code = STATUS_TO_CODE[statusOf(error) ?? 0];
  return code === undefined ? undefined : new Rejection(code);
}

function statusOf(error: unknown): number | undefined {
  if (error instanceof HttpException) return error.getStatus();
  const status = (error as { statusCode?: unknown } | null)?.statusCode;
  return typeof status === 'number' ? status : undefined;
}

const STATUS_TO_CODE: Partial<Record<number, RejectionCode>> = {
  400: 'INVALID_REQUEST',
  401: 'UNAUTHENTICATED',
  403: 'FORBIDDEN',
  404: 'NOT_FOUND',
  413: 'PAYLOAD_TOO_LARGE',
  415: 'UNSUPPORTED_MEDIA_TYPE',
  503: 'UNAVAILABLE',
};
