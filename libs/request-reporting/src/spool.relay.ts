import { REQUEST_TOPICS } from '#libs/contracts';
import { type EventLog, TopicMismatch } from '#libs/event-log';
import type { Logger } from '#libs/service-kit';
import { REPLAY_AGE_MAX_MS } from './incarnation.js';
import { requestMessage } from './request-message.js';
import type { BatchLimits, RequestSpool } from './request-spool.js';

/** Packs a message well below the 1 MiB that brokers take by default. */
const LIMITS: BatchLimits = { eventsMax: 1000, bytesMax: 512 * 1024 };
/** How long events gather before they are sent, so that a quiet service does not send a message for each. */
const LINGER_MS = 200;
const BACKOFF_MS_MIN = 100;
const BACKOFF_MS_MAX = 5000;
const DRAINING_BACKOFF_MS_MAX = 250;

export interface SpoolRelayOptions {
  eventLog: EventLog;
  logger: Logger;
  onPublished(events: number): void;
  /** Told of events that are too old to be published without the danger of counting some twice. */
  onExpired(events: number): void;
}

/**
 * Brings one spool to the log, in order, one batch in flight: the next leaves when the log has acknowledged the one
 * before, and a batch that may have failed is sent again first. A second one in flight could overtake it.
 */
export class SpoolRelay {
  private declared = false;
  private draining = false;
  private stopped = false;
  private failures = 0;
  private idle = false;
  private interrupt: () => void = () => undefined;
  private end: () => void = () => undefined;
  private readonly ended: Promise<void>;

  constructor(
    private readonly spool: RequestSpool,
    private readonly options: SpoolRelayOptions,
  ) {
    this.ended = new Promise((resolve) => {
      this.end = resolve;
    });
    void this.run().then(this.end);
  }

  /** Resolves when the spool is sealed and empty, or when the relay was stopped. */
  finished(): Promise<void> {
    return this.ended;
  }

  /** There is something to publish, or the spool was sealed. */
  wake(): void {
    if (this.idle) this.interrupt();
  }

  /** Goes on for at most `drainMs` to publish what the sealed spool holds, without lingering, then ends. */
  async stop(drainMs: number): Promise<void> {
    this.draining = true;
    this.interrupt();
    // A publish that never settles must not keep the process: what it holds is replayed, and counted once.
    const timer = setTimeout(this.end, drainMs);
    await this.ended;
    clearTimeout(timer);
    this.stopped = true;
    this.interrupt();
  }

  private async run(): Promise<void> {
    while (!this.stopped) {
      const { pending, sealed } = this.spool;
      if (pending === 0 && sealed) return;
      if (pending === 0) await this.pause(undefined);
      else if (pending < LIMITS.eventsMax && !sealed && this.failures === 0) await this.pause(LINGER_MS);
      if (this.stopped) return;
      try {
        await this.declareTopics();
        await this.publishNext();
      } catch (err) {
        await this.failed(err);
      }
    }
  }

  private async failed(err: unknown): Promise<void> {
    this.failures += 1;
    const pauseMsMax = this.draining ? DRAINING_BACKOFF_MS_MAX : BACKOFF_MS_MAX;
    const pauseMs = Math.min(pauseMsMax, BACKOFF_MS_MIN * 2 ** (this.failures - 1));
    const { incarnation, partition } = this.spool.identity;
    this.options.logger.warn(
      { err, dependency: 'event log', incarnation, partition, pending: this.spool.pending, pauseMs },
      'events can not be published yet; they stay in the spool',
    );
    await this.pause(pauseMs);
  }

  private async publishNext(): Promise<void> {
    const { identity } = this.spool;
    if (this.spool.pending > 0 && Date.now() - identity.createdAtMs > REPLAY_AGE_MAX_MS) {
      this.options.onExpired(this.spool.discard());
    }
    const batch = await this.spool.next(LIMITS);
    if (batch === undefined) return;
    const value = requestMessage(identity.incarnation, batch.firstSequence, batch.events);
    const record = { key: identity.incarnation, value, headers: { 'content-type': 'application/json' } };
    await this.options.eventLog.publish(identity.topic, [record], identity.partition);
    this.failures = 0;
    if (this.stopped) return;
    this.spool.acknowledge(batch);
    this.options.onPublished(batch.events.length);
  }

  private async declareTopics(): Promise<void> {
    if (this.declared) return;
    try {
      await this.options.eventLog.declare(REQUEST_TOPICS);
    } catch (err) {
      if (!(err instanceof TopicMismatch)) throw err;
      this.options.logger.error({ err }, 'events still go to the partitions they were meant for');
    }
    this.declared = true;
  }

  /** Resolves after the time, or without one when woken. */
  private async pause(ms: number | undefined): Promise<void> {
    this.idle = ms === undefined;
    await new Promise<void>((resolve) => {
      const timer = ms === undefined ? undefined : setTimeout(resolve, ms);
      this.interrupt = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.idle = false;
    this.interrupt = () => undefined;
  }
}
