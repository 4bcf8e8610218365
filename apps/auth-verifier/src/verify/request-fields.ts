import { type FieldProblem, isCounted, type Outcome, OUTCOMES } from '#libs/contracts';
import type { RequestReport } from '#libs/contracts/gen/latchkey/v1/verifier_service';
import { problemsOfUse } from '#libs/verification';

/** A report may be late by the whole window that is counted, and early by what clocks differ. */
const REPORT_AGE_MS_MAX = 30 * 24 * 60 * 60 * 1000;
const CLOCK_DIFFERENCE_MS_MAX = 5 * 60 * 1000;

const TENANT_ID = /^[a-z0-9][a-z0-9_-]{0,62}$/;
const ID = /^[A-Za-z0-9_-]{1,64}$/;

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
  problems.push(...problemsOfUse(report, path));
  return problems;
}

/** The outcome that a wire verdict stands for; undefined for none. */
export function outcomeOf(verdict: string): Outcome | undefined {
  return OUTCOMES.find((outcome) => verdict === `VERDICT_${outcome}`);
}
