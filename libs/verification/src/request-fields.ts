import { type FieldProblem, Rejection } from '#libs/contracts';
import { Counting, type VerifyRequest } from '#libs/contracts/gen/latchkey/v1/verifier_service';

/** Most entries of one VerifyBatch and of one ReportRequests. */
export const BATCH_ENTRIES_MAX = 1000;
/** Problems travel in the trailers of the answer, which are bounded. */
const PROBLEMS_MAX = 20;
const SCOPES_MAX = 64;
const ROUTE_LENGTH_MAX = 256;
const METHOD_LENGTH_MAX = 32;

const SCOPE = /^[a-z][a-z0-9:._-]{0,63}$/;
// eslint-disable-next-line no-control-regex -- control characters are what it refuses; PostgreSQL takes no NUL
const CONTROL = /[\u0000-\u001f\u007f]/;

/** What is wrong with a request to verify; `path` comes before each field's name. The credential is not judged here. */
export function problemsOfVerify(request: VerifyRequest, path = ''): FieldProblem[] {
  const problems: FieldProblem[] = [];
  problems.push(...problemsOfScopes(request.requiredScopes, `${path}requiredScopes`));
  if (request.anyOfScopes !== undefined) {
    problems.push(...problemsOfScopes(request.anyOfScopes.scopes, `${path}anyOfScopes.scopes`));
  }
  if (request.counting === Counting.UNRECOGNIZED) {
    problems.push({ field: `${path}counting`, message: 'is none of the declared values' });
  }
  problems.push(...problemsOfUse(request, path));
  return problems;
}

function problemsOfScopes(scopes: readonly string[], field: string): FieldProblem[] {
  if (scopes.length > SCOPES_MAX) return [{ field, message: `has more than ${SCOPES_MAX} entries` }];
  return scopes.flatMap((scope, index) =>
    SCOPE.test(scope) ? [] : [{ field: `${field}.${index}`, message: `does not match ${SCOPE.source}` }],
  );
}

/** What is wrong with what a credential is used for, as a verification and a report name it. */
export function problemsOfUse(
  { route, method }: { route: string; method: string },
  path = '',
): FieldProblem[] {
  const problems: FieldProblem[] = [];
  if (route.length > ROUTE_LENGTH_MAX || CONTROL.test(route)) {
    problems.push({
      field: `${path}route`,
      message: `is longer than ${ROUTE_LENGTH_MAX} characters or has control characters`,
    });
  }
  if (method.length > METHOD_LENGTH_MAX || CONTROL.test(method)) {
    problems.push({
      field: `${path}method`,
      message: `is longer than ${METHOD_LENGTH_MAX} characters or has control characters`,
    });
  }
  return problems;
}

/** Throws the rejection INVALID_REQUEST where there are problems; it names the first of them. */
export function requireFields(problems: readonly FieldProblem[]): void {
  if (problems.length > 0) throw new Rejection('INVALID_REQUEST', problems.slice(0, PROBLEMS_MAX));
}

/** Throws the rejection INVALID_REQUEST where a batch is longer than {@link BATCH_ENTRIES_MAX}. */
export function requireLength(field: string, entries: readonly unknown[]): void {
  if (entries.length > BATCH_ENTRIES_MAX) {
    requireFields([{ field, message: `has more than ${BATCH_ENTRIES_MAX} entries` }]);
  }
}

/** Throws the rejection INVALID_REQUEST for a batch that is too long or has a wrong request. */
export function requireBatch(requests: readonly VerifyRequest[]): void {
  requireLength('requests', requests);
  requireFields(requests.flatMap((request, index) => problemsOfVerify(request, `requests.${index}.`)));
}
