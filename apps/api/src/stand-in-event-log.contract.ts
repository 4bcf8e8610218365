import { REQUESTS_TOPIC } from '#libs/contracts';
import { EventLog, type LogRecord, type Subscription } from '#libs/event-log';

/** A log that may be away. */
export class StandInEventLog extends EventLog {
  away = true;
  closed = false;
  readonly published: LogRecord[] = [];

  async declare(): Promise<void> {
    this.reach();
  }

  async publish(topic: string, records: readonly LogRecord[]): Promise<void> {
    this.reach();
    if (topic === REQUESTS_TOPIC) this.published.push(...records);
  }

  async subscribe(): Promise<Subscription> {
    throw new Error('the api reads no topic');
  }

  async check(): Promise<void> {
    this.reach();
  }

  async close(): Promise<void> {
    this.closed = true;
  }

  private reach(): void {
    if (this.away) throw new Error('the log is away');
  }
}
