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
