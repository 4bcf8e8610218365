import { EventLog, type LogRecord, type LogSubscription, type Subscription } from '#libs/event-log';

/** A log whose subscriptions a spec plays messages to, and that keeps what is published. */
export class PlayedLog extends EventLog {
  /** Values of what was published, as text. */
  readonly published: string[] = [];
  private readonly subscriptions: LogSubscription[] = [];

  /** Hands each subscriber of the topic one batch; an object becomes JSON. Rejects where a subscriber does. */
  async play(topic: string, ...values: (object | string)[]): Promise<void> {
    const records = values.map((value, index) => ({
      key: null,
      headers: {},
      offset: BigInt(index),
      timestampMs: Date.now(),
      value: Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)),
    }));
    for (const subscription of this.subscriptions) {
      if (!subscription.topics.includes(topic)) continue;
      await subscription.onBatch({ logId: 'played', topic, partition: 0, records });
    }
  }

  override async subscribe(subscription: LogSubscription): Promise<Subscription> {
    this.subscriptions.push(subscription);
    return { close: async () => undefined };
  }

  override async declare(): Promise<void> {}
  override async publish(_: string, records: readonly LogRecord[]): Promise<void> {
    this.published.push(...records.map(({ value }) => value.toString()));
  }

  override async check(): Promise<void> {}
  override async close(): Promise<void> {}
}
