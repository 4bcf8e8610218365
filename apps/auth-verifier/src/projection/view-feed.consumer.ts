import { randomUUID } from 'node:crypto';
import { LIFECYCLE_TOPICS } from '#libs/contracts';
import type { EventLog, Subscription } from '#libs/event-log';
import type { KeyView } from '#libs/key-view';
import type { LifecycleConsumer } from './lifecycle.consumer.js';
import type { ViewCompleteness } from './view-completeness.js';

/** How often the view is asked whether it still holds everything. */
const COMPLETENESS_INTERVAL_MS = 1000;

/**
 * Feeds the view from both its sources: messages as they come, and key-management for all that was before. Verifiers
 * of a shared view read as one group, go on where the last one stopped, and rebuild it whenever it was emptied.
 *
 * A view of this process alone starts empty: it listens first, from now on, and is rebuilt only after that, so that
 * what changes in between is not missed.
 */
export class ViewFeed {
  private subscription: Subscription | undefined;
  private timer: NodeJS.Timeout | undefined;
  private closed = false;

  constructor(
    private readonly parts: {
      eventLog: EventLog;
      keyView: KeyView;
      completeness: ViewCompleteness;
      consumer: LifecycleConsumer;
    },
  ) {}

  /** Resolves once messages are read, which may take until the log is there; rejects when a topic is not as declared. */
  async start(): Promise<void> {
    if (this.parts.keyView.isShared) this.watchCompleteness();
    try {
      await this.listen();
    } catch (error) {
      // Closing the log ends the wait for it.
      if (!this.closed) throw error;
    }
  }

  async close(): Promise<void> {
    this.closed = true;
    clearInterval(this.timer);
    await this.subscription?.close();
  }

  private async listen(): Promise<void> {
    const { eventLog, keyView, consumer } = this.parts;
    await eventLog.declare(LIFECYCLE_TOPICS);
    if (this.closed) return;
    const subscription = await (keyView.isShared
      ? consumer.subscribe(eventLog, { group: 'auth-verifier', start: 'committed' })
      : consumer.subscribe(eventLog, { group: `auth-verifier-${randomUUID()}`, start: 'latest' }));
    if (this.closed) return subscription.close();
    this.subscription = subscription;
    if (!keyView.isShared) this.watchCompleteness();
  }

  private watchCompleteness(): void {
    const { completeness } = this.parts;
    void completeness.ensure();
    this.timer = setInterval(() => void completeness.ensure(), COMPLETENESS_INTERVAL_MS);
  }
}
