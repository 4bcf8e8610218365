import { Counter, Gauge, type Registry } from 'prom-client';

/** What an operator sees of counting. */
export class CountingMetrics {
  readonly events: Counter<'result'>;
  readonly deadMessages: Counter;
  readonly missingOffsets: Counter;
  readonly delaySeconds: Gauge;
  readonly parked: Gauge;

  /** `parkedEvents` is asked at each reading; while it fails the last answer stands. */
  constructor(registry: Registry, parkedEvents: () => Promise<number>) {
    const registers = [registry];
    this.events = new Counter({
      name: 'latchkey_usage_events_total',
      help: 'Request events by what became of them.',
      labelNames: ['result'],
      registers,
    });
    for (const result of ['counted', 'dropped', 'malformed', 'repeated', 'parked']) {
      this.events.inc({ result }, 0);
    }
    this.deadMessages = new Counter({
      name: 'latchkey_usage_dead_messages_total',
      help: 'Messages, of another form in whole or in part, that went to the dead topic.',
      registers,
    });
    this.missingOffsets = new Counter({
      name: 'latchkey_usage_missing_offsets_total',
      help: 'Offsets that were gone from the log before they were counted.',
      registers,
    });
    this.delaySeconds = new Gauge({
      name: 'latchkey_usage_delay_seconds',
      help: 'Age of the newest message when it was counted.',
      registers,
    });
    this.parked = new Gauge({
      name: 'latchkey_usage_parked_events',
      help: 'Events that wait for one before them; above 0 for long, events are missing.',
      registers,
      async collect() {
        const parked = await parkedEvents().catch(() => undefined);
        if (parked !== undefined) this.set(parked);
      },
    });
  }
}
