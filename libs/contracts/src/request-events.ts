import type { CountedOutcome } from './verdicts.js';

/** One verified request, as it is counted. */
export interface RequestEvent {
  requestId: string;
  tenantId: string;
  keyId: string;
  environment: 'live' | 'test';
  outcome: CountedOutcome;
  /** Final HTTP status, or null where none is known. */
  status: number | null;
  route: string;
  method: string;
  /** Name of the internal service that asked for the verification. */
  caller: string;
  /** Milliseconds since the epoch, by the reporter's clock. */
  occurredAtMs: number;
  /** True for what came through ReportRequests: repeated with the same request id within 15 minutes it counts once. */
  reported: boolean;
}

/**
 * Value of one message of `latchkey.requests.v1`, as JSON: a run of one incarnation's events. Sequences are dense and
 * start at 1: event i has sequence `firstSequence + i`. All messages of an incarnation lie in one partition.
 */
export interface RequestEventBatch {
  /** UUID of one process start of a reporter. */
  incarnation: string;
  firstSequence: number;
  events: RequestEvent[];
}
