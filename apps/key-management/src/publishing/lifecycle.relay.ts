import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { Gauge, type Registry } from 'prom-client';
import { LIFECYCLE_TOPICS } from '#libs/contracts';
import type { EventLog } from '#libs/event-log';
import type { EventStore, StoredEvent } from '#libs/event-store';
import type { RecordSeal } from '#libs/key-view';
import type { Logger } from '#libs/service-kit';
import type { Projected } from '../read-model/projected.js';
import { lifecycleMessageOf, type OutgoingMessage } from './lifecycle-message.js';
import type { RelayLeadership, RelaySession } from './relay-leadership.js';

/** Events read and published at once. */
const BATCH_EVENTS_MAX = 500;
/** Polling behind the announcements, and the pause between attempts to lead. */
const POLL_MS = 1000;
/** Pause after a failure: store or log are away. */
const RETRY_MS = 1000;

/**
 * Publishes every event once its transaction is committed, in the order of positions, at least once: the checkpoint
 * moves when the log has confirmed. One process leads, the others wait for its turn to end.
 */
export class LifecycleRelay {
  private readonly stopping = new AbortController();
  private running: Promise<void> | undefined;
  private readonly lag: Gauge;

  constructor(
    private readonly store: EventStore<Projected>,
    private readonly leadership: RelayLeadership,
    private readonly log: EventLog,
    private readonly seal: RecordSeal,
    private readonly logger: Logger,
    metrics: Registry,
  ) {
    this.lag = new Gauge({
      name: 'latchkey_relay_unpublished_events',
      help: 'Events the leading relay has read and not yet published.',
      registers: [metrics],
    });
  }

  /** Resolves when the topics are there; rejects with TopicMismatch where one is other than declared. */
  start(): Promise<void> {
    const declared = this.log.declare(LIFECYCLE_TOPICS);
    this.running = this.run(declared);
    return declared;
  }

  /** Finishes the batch in hand; another process leads from then on. */
  async close(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private async run(declared: Promise<void>): Promise<void> {
    // A log that is away is waited for until it is closed, which comes after this.
    await Promise.race([declared, once(this.stopping.signal, 'abort')]).catch((err: unknown) => {
      this.logger.error({ err }, 'lifecycle events are not published');
      this.stopping.abort();
    });
    while (!this.stopping.signal.aborted) {
      let session: RelaySession | undefined;
      try {
        session = await this.leadership.tryLead(this.stopping.signal);
        if (session === undefined) await this.pause(POLL_MS);
        else await this.lead(session);
      } catch (err) {
        this.logger.warn({ err }, 'publishing stopped, starting again from the checkpoint');
        await this.pause(RETRY_MS);
      } finally {
        await session?.close();
      }
    }
  }

  private async lead(session: RelaySession): Promise<void> {
    let position = await session.checkpoint();
    this.logger.info({ position }, 'publishing lifecycle events');
    while (!this.stopping.signal.aborted) {
      const events = await this.store.readAfter(position, BATCH_EVENTS_MAX);
      this.lag.set(events.length);
      const last = events[events.length - 1];
      if (last === undefined) {
        await session.waitForEvents(POLL_MS, this.stopping.signal);
        // An idle session proves that it still leads before it waits again.
        await session.checkpoint();
        continue;
      }
      await this.publish(await this.messagesOf(events, last.position));
      await session.advance(last.position);
      position = last.position;
    }
  }

  private async messagesOf(events: readonly StoredEvent[], upTo: number): Promise<OutgoingMessage[]> {
    const histories = await this.store.readStreams(
      [...new Set(events.map(({ streamId }) => streamId))],
      upTo,
    );
    return events.map((event) => {
      const history = (histories.get(event.streamId) ?? []).slice(0, event.version);
      return lifecycleMessageOf(event, history, this.seal);
    });
  }

  private async publish(messages: readonly OutgoingMessage[]): Promise<void> {
    for (const { name } of LIFECYCLE_TOPICS) {
      const records = messages
        .filter(({ topic }) => topic === name)
        .map(({ key, headers, value }) => ({ key, headers, value: Buffer.from(JSON.stringify(value)) }));
      if (records.length > 0) await this.log.publish(name, records);
    }
  }

  private async pause(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.stopping.signal }).catch(() => undefined);
  }
}
