import { type FieldProblem, REJECTIONS, type Rejection } from '#libs/contracts';

/** Media type of RFC 9457. */
export const PROBLEM_TYPE = 'application/problem+json';

/** A problem as RFC 9457 has it, with our `code`, and `errors` naming each wrong field. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  code: string;
  errors?: readonly FieldProblem[];
  /** Of a fault: what to look for in the log. */
  errorId?: string;
}

/** What an HTTP answer of 400 or above is about: a rejection, or a fault by its id. */
export interface HttpError {
  /** Undefined for a fault. */
  rejection: Rejection | undefined;
  /** Null for a rejection. */
  errorId: string | null;
}

/** An error as it goes out. */
export interface RenderedError {
  status: number;
  contentType: string;
  body: unknown;
  /** Of the challenge that a 401 carries unless it has one already (RFC 9110, 15.5.2). */
  realm: string;
}

/** The answer as RFC 9457 has it. */
export function problemAnswer({ rejection, errorId }: HttpError, requestId: string): RenderedError {
  const problem = rejection === undefined ? problemOf.fault(errorId ?? '') : problemOf.rejection(rejection);
  return {
    status: problem.status,
    contentType: PROBLEM_TYPE,
    body: { ...problem, requestId },
    realm: 'latchkey',
  };
}

export const problemOf = {
  rejection(rejection: Rejection): Problem {
    return {
      type: `urn:latchkey:problem:${rejection.code.toLowerCase().replaceAll('_', '-')}`,
      title: rejection.message,
      status: REJECTIONS[rejection.code].http,
      code: rejection.code,
      ...(rejection.fields.length > 0 && { errors: rejection.fields }),
    };
  },

  fault(errorId: string): Problem {
    return {
      type: 'urn:latchkey:problem:internal',
      title: 'Something went wrong on our side.',
      status: 500,
      code: 'INTERNAL',
      errorId,
    };
  },
};
