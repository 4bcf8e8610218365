import { KEYS_TOPIC } from '#libs/contracts';
import type { EventLog, LogBatch, Subscription } from '#libs/event-log';
import type { Logger } from '#libs/service-kit';
import { readKeyMessage } from './key-message.js';
import type { KnownKeys } from './known-keys.js';

const GROUP = 'usage-keys';

/** Learns from the key messages which keys there are and since when. */
export class KeysConsumer {
  private subscription: Subscription | undefined;

  constructor(
    private readonly eventLog: EventLog,
    private readonly knownKeys: KnownKeys,
    private readonly logger: Logger,
  ) {}

  async start(): Promise<void> {
    this.subscription = await this.eventLog.subscribe({
      group: GROUP,
      topics: [KEYS_TOPIC],
      start: 'committed',
      onBatch: async (batch) => {
        await this.learn(batch);
        return undefined;
      },
      onError: (err) => this.logger.warn({ err }, 'key messages could not be read, trying again'),
    });
  }

  async close(): Promise<void> {
    await this.subscription?.close();
  }

  private async learn({ topic, partition, records }: LogBatch): Promise<void> {
    const keys = records.flatMap(({ value, offset }) => {
      const key = readKeyMessage(value);
      if (key !== undefined) return [key];
      this.logger.error(
        { topic, partition, offset: String(offset) },
        'a key message of another form is left out',
      );
      return [];
    });
    if (keys.length > 0) await this.knownKeys.remember(keys);
  }
}
