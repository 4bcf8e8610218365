import {
  type CallOptions,
  type ClientUnaryCall,
  Metadata,
  type ServiceError,
  status as grpcStatus,
} from '@grpc/grpc-js';
import { type FieldProblem, REJECTIONS, Rejection, type RejectionCode } from '#libs/contracts';
import { retryAfterSecondsOf, STATUS_DETAILS } from './retry-info.js';

/** A unary method of a generated client, bound to it. */
export type UnaryMethod<Request, Response> = (
  request: Request,
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: (error: ServiceError | null, response: Response) => void,
) => ClientUnaryCall;

/**
 * Calls other services with this one's token and a deadline. A refusal comes back as the {@link Rejection} it was
 * there; a service that can't be reached, or not in time, as the rejection UNAVAILABLE; anything else as a fault. So
 * is a refusal of this service's own token: handed on, it would tell our caller that *its* credential is wrong.
 */
export class GrpcCaller {
  /** What names this service to the others, for what is no unary call. */
  readonly metadata = new Metadata();

  constructor(
    token: string,
    private readonly deadlineMs: number,
  ) {
    this.metadata.set('authorization', `Bearer ${token}`);
  }

  call<Request, Response>(
    method: UnaryMethod<Request, Response>,
    request: Request,
    deadlineMs = this.deadlineMs,
  ): Promise<Response> {
    return new Promise((resolve, reject) => {
      const options = { deadline: Date.now() + deadlineMs };
      method(request, this.metadata, options, (error, response) => {
        if (error === null) resolve(response);
        else reject(rejectionOf(error) ?? error);
      });
    });
  }
}

function rejectionOf(error: ServiceError): Rejection | undefined {
  const code = error.metadata?.get('latchkey-rejection')[0]?.toString();
  if (code === 'UNAUTHENTICATED' || code === 'FORBIDDEN') return undefined;
  if (code !== undefined && code in REJECTIONS) {
    const fields = error.metadata.get('latchkey-fields-bin')[0];
    const problems = fields === undefined ? [] : (JSON.parse(fields.toString()) as FieldProblem[]);
    const status = error.metadata.get(STATUS_DETAILS)[0];
    const retryAfterSeconds = status instanceof Buffer ? retryAfterSecondsOf(status) : undefined;
    return new Rejection(code as RejectionCode, problems, retryAfterSeconds);
  }
  const away =
    error.code === grpcStatus.UNAVAILABLE ||
    error.code === grpcStatus.DEADLINE_EXCEEDED ||
    error.code === grpcStatus.CANCELLED;
  return away ? new Rejection('UNAVAILABLE', [], 1) : undefined;
}
