import { type FieldProblem, isCounted, type Outcome, OUTCOMES } from '#libs/contracts';
import {
  Counting,
  type RequestReport,
  type VerifyRequest,
} from '#libs/contracts/gen/latchkey/v1/verifier_service';

/** Most entries of one VerifyBatch and of one ReportRequests. */
export const BATCH_ENTRIES_MAX = 1000;

const SCOPES_MAX = 64;
const ROUTE_LENGTH_MAX = 256;
const METHOD_LENGTH_MAX = 32;
/** A report may be late by the whole window that is counted, and early by what clocks differ. */
const REPORT_AGE_MS_MAX = 30 * 24 * 60 * 60 * 1000;
const CLOCK_DIFFERENCE_MS_MAX = 5 * 60 * 1000;

const SCOPE = /^[a-z][a-z0-9:._-]{0,63}$/;
const TENANT_ID = /^[a-z0-9][a-z0-9_-]{0,62}$/;
const ID = /^[A-Za-z0-9_-]{1,64}$/;
// eslint-disable-next-line no-control-regex -- control characters are what it refuses; PostgreSQL takes no NUL
const CONTROL = /[\u0000-\u001f\u007f]/;

/** What is wrong with a request to verify; `path` comes before each field's name. The credential is not judged here. */
export function problemsOfVerify(request: VerifyRequest, path = ''): FieldProblem[] {
  const problems: FieldProblem[] = [];
  if (request.profile !== '' && request.profile !== 'default') {
    problems.push({ field: `${path}profile`, message: 'there is no such profile' });
  }
  if (request.requiredScopes.length > SCOPES_MAX) {
    problems.push({ field: `${path}requiredScopes`, message: `has more than ${SCOPES_MAX} entries` });
  } else {
    request.requiredScopes.forEach((scope, index) => {
      if (!SCOPE.test(scope)) {
        problems.push({ field: `${path}requiredScopes.${index}`, message: `does not match ${SCOPE.source}` });
      }
    });
  }
  if (request.counting === Counting.UNRECOGNIZED) {
    problems.push({ field: `${path}counting`, message: 'is none of the declared values' });
  }
  addUseProblems(problems, request, path);
  return problems;
}

/** What is wrong with the report of a finished request. */
export function problemsOfReport(report: RequestReport, nowMs: number, path = ''): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const refuse = (field: string, message: string) => problems.push({ field: path + field, message });
  if (!ID.test(report.requestId)) refuse('requestId', 'is not the request id of a verification');
  if (!ID.test(report.keyId)) refuse('keyId', 'is not the id of a key');
  if (!TENANT_ID.test(report.tenantId)) refuse('tenantId', 'is not the id of a tenant');
  if (report.environment !== 'live' && report.environment !== 'test') {
    refuse('environment', 'is neither live nor test');
  }
  const outcome = outcomeOf(report.verdict);
  if (outcome === undefined || !isCounted(outcome)) refuse('verdict', 'is not a verdict that names a key');
  const { status } = report;
  if (status !== 0 && (status < 100 || status > 599)) refuse('status', 'is neither 0 nor from 100 to 599');
  if (report.occurredAt !== undefined) {
    const occurredAtMs = report.occurredAt.getTime();
    const isInRange =
      occurredAtMs > nowMs - REPORT_AGE_MS_MAX && occurredAtMs < nowMs + CLOCK_DIFFERENCE_MS_MAX;
    if (!isInRange) refuse('occurredAt', 'is more than 30 days ago or more than 5 minutes ahead');
  }
  addUseProblems(problems, report, path);
  return problems;
}

/** The outcome that a wire verdict stands for; undefined for none. */
export function outcomeOf(verdict: string): Outcome | undefined {
  return OUTCOMES.find((outcome) => verdict === `VERDICT_${outcome}`);
}

function addUseProblems(
  problems: FieldProblem[],
  { route, method }: { route: string; method: string },
  path: string,
): void {
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
}
