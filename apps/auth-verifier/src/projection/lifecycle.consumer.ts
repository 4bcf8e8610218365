import { KEYS_TOPIC, TENANTS_TOPIC } from '#libs/contracts';
import type { EventLog, LogBatch, LogSubscription, Subscription } from '#libs/event-log';
import { recordsOfMessage } from './lifecycle-records.js';
import { type Projection, projectRecords } from './project-records.js';

/** Keeps the view up with what key-management publishes. Order and duplicates do not matter. */
export class LifecycleConsumer {
  constructor(
    private readonly projection: Projection,
    private readonly watch: {
      /** A secret is in the view now; a remembered miss of it is wrong. */
      onSecret(digest: string): void;
      /** A message that is none of ours was left out. */
      onForeignMessage(place: { topic: string; partition: number; offset: bigint }): void;
      onLag(seconds: number): void;
      onError(error: unknown): void;
    },
  ) {}

  subscribe(
    eventLog: EventLog,
    { group, start }: Pick<LogSubscription, 'group' | 'start'>,
  ): Promise<Subscription> {
    return eventLog.subscribe({
      group,
      start,
      topics: [KEYS_TOPIC, TENANTS_TOPIC],
      onBatch: (batch) => this.project(batch),
      onError: (error) => this.watch.onError(error),
    });
  }

  /** Rejects only when the view is away, so that the batch comes again; a message never holds up those behind it. */
  private async project({ topic, partition, records }: LogBatch): Promise<undefined> {
    const carried = records.flatMap(({ value, offset }) => {
      const found = recordsOfMessage(topic, value);
      if (found === undefined) this.watch.onForeignMessage({ topic, partition, offset });
      return found ?? [];
    });
    for (const { kind, id } of await projectRecords(this.projection, carried)) {
      if (kind === 'secret') this.watch.onSecret(id);
    }
    const nowMs = Date.now();
    for (const { timestampMs } of records) this.watch.onLag((nowMs - timestampMs) / 1000);
    return undefined;
  }
}
