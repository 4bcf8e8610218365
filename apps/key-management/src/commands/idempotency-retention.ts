import type { Logger } from '#libs/service-kit';

/** Between two rounds of forgetting, milliseconds. */
const ROUND_MS = 60_000;
/** Most records forgotten at once, so that no round holds the table for long. */
const RECORDS_PER_STEP = 1000;

/** Forgets idempotency records that are past their 24 hours. */
export class IdempotencyRetention {
  private timer: NodeJS.Timeout | undefined;
  private rounds: Promise<void> = Promise.resolve();
  private closed = false;

  constructor(
    private readonly store: { forgetIdempotencyRecords(limit: number): Promise<number> },
    private readonly logger: Logger,
  ) {}

  start(): void {
    this.timer = setInterval(() => {
      this.rounds = this.rounds.then(() => this.round());
    }, ROUND_MS);
  }

  /** Waits for the step in hand. */
  async close(): Promise<void> {
    this.closed = true;
    clearInterval(this.timer);
    await this.rounds;
  }

  private async round(): Promise<void> {
    try {
      let forgotten = RECORDS_PER_STEP;
      while (forgotten === RECORDS_PER_STEP && !this.closed) {
        forgotten = await this.store.forgetIdempotencyRecords(RECORDS_PER_STEP);
      }
    } catch (err) {
      this.logger.warn({ err }, 'could not forget old idempotency records, trying again later');
    }
  }
}
