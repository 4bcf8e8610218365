import { Counter, type Registry } from 'prom-client';
import { ErrorTracker, type Fault } from './error-tracker.js';
import { describeError, type Logger } from './logger.js';

/** Most reports that wait for the tracker; further ones are dropped. */
const REPORTS_WAITING_MAX = 100;

/** Longest that the tracker may take for a report, milliseconds. */
const REPORT_TIMEOUT_MS = 5000;

/** Longest that closing waits for what is still to be sent, milliseconds. */
const CLOSE_TIMEOUT_MS = 2000;

/** Longest message and stack that are sent, characters. */
const MESSAGE_LENGTH_MAX = 2000;
const STACK_LENGTH_MAX = 10_000;

interface Report {
  errorId: string;
  body: string;
}

/**
 * Posts each fault as JSON to a webhook, one after another, and tries none twice: every fault is in the log anyway.
 * What could not be handed over is counted. Neither headers nor a body of the request are ever in a report.
 */
export class HttpErrorTracker extends ErrorTracker {
  private readonly waiting: Report[] = [];
  private readonly dropped: Counter;
  private readonly aborted = new AbortController();
  private sending: Promise<void> | undefined;
  private closed = false;

  constructor(
    private readonly parts: {
      url: string;
      service: string;
      logger: Logger;
      metrics: Registry;
      timeoutMs?: number;
      closeTimeoutMs?: number;
    },
  ) {
    super();
    this.dropped = new Counter({
      name: 'latchkey_fault_reports_dropped_total',
      help: 'Faults that the error tracker was not told of, by reason; they are in the log.',
      labelNames: ['reason'],
      registers: [parts.metrics],
    });
    for (const reason of ['queue_full', 'refused', 'unreachable', 'closed']) this.dropped.inc({ reason }, 0);
  }

  override report(fault: Fault): void {
    if (this.closed) this.dropped.inc({ reason: 'closed' });
    else if (this.waiting.length >= REPORTS_WAITING_MAX) this.dropped.inc({ reason: 'queue_full' });
    else {
      this.waiting.push({ errorId: fault.errorId, body: this.bodyOf(fault) });
      this.sending ??= this.sendAll();
    }
  }

  override async close(): Promise<void> {
    this.closed = true;
    const { closeTimeoutMs = CLOSE_TIMEOUT_MS } = this.parts;
    const timer = setTimeout(() => this.aborted.abort(), closeTimeoutMs);
    await this.sending;
    clearTimeout(timer);
  }

  private async sendAll(): Promise<void> {
    for (let report = this.waiting.shift(); report !== undefined; report = this.waiting.shift()) {
      const failure = await this.send(report.body);
      if (failure === undefined) continue;
      this.dropped.inc({ reason: failure.reason });
      this.parts.logger.warn(
        { errorId: report.errorId, ...failure },
        'the error tracker was not told of a fault',
      );
    }
    this.sending = undefined;
  }

  /** What went wrong, if anything; never with the URL, which may be a secret. */
  private async send(body: string): Promise<{ reason: string; detail: unknown } | undefined> {
    if (this.aborted.signal.aborted) return { reason: 'closed', detail: null };
    const { url, timeoutMs = REPORT_TIMEOUT_MS } = this.parts;
    // Held by its timer: a signal of AbortSignal.timeout that only `any` knows may be collected, and never end anything.
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), timeoutMs);
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
        redirect: 'manual',
        signal: AbortSignal.any([this.aborted.signal, late.signal]),
      });
      await response.body?.cancel();
      return response.ok ? undefined : { reason: 'refused', detail: response.status };
    } catch (error) {
      const { cause = error } = error as { cause?: { code?: string; name?: string } };
      const { code, name } = cause as { code?: unknown; name?: unknown };
      return { reason: this.aborted.signal.aborted ? 'closed' : 'unreachable', detail: code ?? name };
    } finally {
      clearTimeout(timer);
    }
  }

  private bodyOf({ errorId, error, requestId, traceId, route, method }: Fault): string {
    const { name, message, stack } = describeError(error);
    return JSON.stringify({
      service: this.parts.service,
      errorId,
      requestId,
      traceId,
      route,
      method,
      occurredAt: new Date().toISOString(),
      error: {
        name,
        message: message.slice(0, MESSAGE_LENGTH_MAX),
        stack: stack.slice(0, STACK_LENGTH_MAX),
      },
    });
  }
}
