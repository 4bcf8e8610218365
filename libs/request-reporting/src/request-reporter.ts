import type { RequestEvent } from '#libs/contracts';

/** Takes the events of answered requests, so that each of them is counted once. */
export abstract class RequestReporter {
  /**
   * Resolves once the events are in the spool, from where they reach the log even when this process is killed; answer
   * the requests after that. Never rejects: what can't be kept is counted in `latchkey_request_events_dropped_total`.
   */
  abstract record(events: readonly RequestEvent[]): Promise<void>;
}
