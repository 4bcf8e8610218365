import type { CountedOutcome, RequestEvent } from '#libs/contracts';
import {
  type ReportRequestsRequest,
  type ReportRequestsResponse,
  type RequestReport,
  type VerifyBatchRequest,
  VerifyBatchResponse,
  type VerifyRequest,
  VerifyResponse,
  VerifierServiceService,
} from '#libs/contracts/gen/latchkey/v1/verifier_service';
import type { RequestReporter } from '#libs/request-reporting';
import { DEFAULT_PROFILE } from '#libs/profiles';
import { type Caller, requireProfile } from '#libs/service-kit';
import { responseSerializer } from '#libs/service-kit/response-serializer';
import { unaryMethod } from '#libs/service-kit/unary-call.hook';
import {
  type CredentialVerifier,
  problemsOfVerify,
  requireBatch,
  requireFields,
  requireLength,
  type Verification,
} from '#libs/verification';
import type { VerifierMetrics } from '../metrics.js';
import { outcomeOf, problemsOfReport } from './request-fields.js';

/** The gRPC face of the verifier. An answer leaves after its events are in the reporter's hands. */
export class VerifierController {
  constructor(
    private readonly verifier: CredentialVerifier,
    private readonly reporter: RequestReporter,
    private readonly metrics: VerifierMetrics,
  ) {}

  readonly methods = [
    unaryMethod(
      { ...VerifierServiceService.verify, responseSerialize: responseSerializer(VerifyResponse) },
      'verify',
      this.verify.bind(this),
    ),
    unaryMethod(
      { ...VerifierServiceService.verifyBatch, responseSerialize: responseSerializer(VerifyBatchResponse) },
      'verify',
      this.verifyBatch.bind(this),
    ),
    unaryMethod(VerifierServiceService.reportRequests, 'report', this.reportRequests.bind(this)),
  ];

  /** Answers without a promise where nobody had to be asked and nothing is to be counted. */
  private verify(request: VerifyRequest, caller: Caller): VerifyResponse | Promise<VerifyResponse> {
    requireFields(problemsOfVerify(request));
    requireProfile(caller, request.profile || DEFAULT_PROFILE);
    const verification = this.verifier.verify(request, caller.name);
    return verification instanceof Promise
      ? verification.then((reached) => this.release(reached, caller))
      : this.release(verification, caller);
  }

  private release(
    { outcome, event, response }: Verification,
    caller: Caller,
  ): VerifyResponse | Promise<VerifyResponse> {
    this.metrics.verified(outcome, caller.name);
    return event === undefined ? response : this.reporter.record([event]).then(() => response);
  }

  private async verifyBatch({ requests }: VerifyBatchRequest, caller: Caller): Promise<VerifyBatchResponse> {
    requireBatch(requests);
    for (const { profile } of requests) requireProfile(caller, profile || DEFAULT_PROFILE);
    const verifications = await this.verifier.verifyAll(requests, caller.name);
    const events: RequestEvent[] = [];
    for (const { outcome, event } of verifications) {
      this.metrics.verified(outcome, caller.name);
      if (event !== undefined) events.push(event);
    }
    if (events.length > 0) await this.reporter.record(events);
    return { results: verifications.map(({ response }) => response) };
  }

  private async reportRequests(
    { reports }: ReportRequestsRequest,
    caller: Caller,
  ): Promise<ReportRequestsResponse> {
    requireLength('reports', reports);
    const nowMs = Date.now();
    requireFields(reports.flatMap((report, index) => problemsOfReport(report, nowMs, `reports.${index}.`)));
    if (reports.length > 0) {
      await this.reporter.record(reports.map((each) => eventOf(each, caller.name, nowMs)));
    }
    return { accepted: reports.length };
  }
}

/** Of a report in which {@link problemsOfReport} found nothing. */
function eventOf(report: RequestReport, caller: string, nowMs: number): RequestEvent {
  return {
    requestId: report.requestId,
    tenantId: report.tenantId,
    keyId: report.keyId,
    environment: report.environment as 'live' | 'test',
    outcome: outcomeOf(report.verdict) as CountedOutcome,
    status: report.status === 0 ? null : report.status,
    route: report.route,
    method: report.method,
    caller,
    occurredAtMs: report.occurredAt?.getTime() ?? nowMs,
    reported: true,
  };
}
