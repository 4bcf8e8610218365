import { randomUUID } from 'node:crypto';
import { Counter, type Registry } from 'prom-client';
import type { ErrorTracker, Fault } from './error-tracker.js';
import type { Logger } from './logger.js';

/** Of a request that no route matches. */
export const UNKNOWN_ROUTE = 'unknown';

/** The one place that learns of every internal error of a service's requests: logs it, counts it and hands it on. */
export class FaultReporter {
  private readonly faults: Counter;

  constructor(
    private readonly parts: { service: string; logger: Logger; metrics: Registry; tracker?: ErrorTracker },
  ) {
    this.faults = new Counter({
      name: 'latchkey_faults_total',
      help: 'Requests that ended in an internal error, by service and route pattern (gRPC: path of the method).',
      labelNames: ['service', 'route'],
      registers: [parts.metrics],
    });
    this.expect(UNKNOWN_ROUTE);
  }

  /** Lets the count of a route begin at 0: a series that appears with its first fault is no increase to an alert. */
  expect(route: string): void {
    this.faults.inc({ service: this.parts.service, route }, 0);
  }

  /** The id under which the fault is found in the log and in the error tracker, to tell to the client. */
  report(error: unknown, place: Omit<Fault, 'errorId' | 'error'>): string {
    const { service, logger, tracker } = this.parts;
    const errorId = randomUUID();
    logger.error({ errorId, err: error, ...place }, 'internal error');
    this.faults.inc({ service, route: place.route });
    tracker?.report({ errorId, error, ...place });
    return errorId;
  }
}
