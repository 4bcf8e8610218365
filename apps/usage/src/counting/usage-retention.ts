import type { Logger } from '#libs/service-kit';
import { retentionCutoffs } from './retention-periods.js';
import type { UsageStore } from './usage-store.js';

/** Between two rounds of forgetting, milliseconds. */
const ROUND_MS = 60_000;
/** Most rows forgotten in one transaction, so that none holds its locks for long. */
const ROWS_PER_STEP = 5000;

/** Forgets, in small steps, what is past its time. */
export class UsageRetention {
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> = Promise.resolve();
  private closed = false;

  constructor(
    private readonly store: UsageStore,
    private readonly logger: Logger,
  ) {}

  start(): void {
    this.timer = setInterval(() => {
      this.running = this.running.then(() => this.round());
    }, ROUND_MS);
  }

  async close(): Promise<void> {
    this.closed = true;
    clearInterval(this.timer);
    await this.running;
  }

  private async round(): Promise<void> {
    try {
      let forgotten = ROWS_PER_STEP;
      while (forgotten === ROWS_PER_STEP && !this.closed) {
        forgotten = await this.store.forget(retentionCutoffs(Date.now()), ROWS_PER_STEP);
      }
    } catch (err) {
      this.logger.warn({ err }, 'could not forget old rows, trying again later');
    }
  }
}
