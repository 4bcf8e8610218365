import { Counter, Gauge, type Registry } from 'prom-client';
import type { DropReason } from './request-spool.js';

/** What an operator sees of the events between an answer and the log. */
export class ReportingMetrics {
  readonly dropped: Counter<'reason'>;
  readonly published: Counter;
  readonly syncFailures: Counter;
  readonly damages: Counter;
  readonly bytes: Gauge;
  readonly pending: Gauge;

  constructor(registry: Registry, spools: { bytes(): number; pending(): number }) {
    const registers = [registry];
    this.dropped = new Counter({
      name: 'latchkey_request_events_dropped_total',
      help: 'Events of answered requests that will not be counted, by reason.',
      labelNames: ['reason'],
      registers,
    });
    const reasons: DropReason[] = ['full', 'disk', 'too_large', 'closed', 'damaged', 'expired'];
    for (const reason of reasons) this.dropped.inc({ reason }, 0);
    this.published = new Counter({
      name: 'latchkey_request_events_published_total',
      help: 'Events that the log has acknowledged.',
      registers,
    });
    this.syncFailures = new Counter({
      name: 'latchkey_spool_sync_failures_total',
      help: 'Times the disk did not confirm events that were answered all the same.',
      registers,
    });
    this.damages = new Counter({
      name: 'latchkey_spool_damages_total',
      help: 'Places in spool files that could not be read any more.',
      registers,
    });
    this.bytes = new Gauge({
      name: 'latchkey_spool_bytes',
      help: 'Size of all spool files of the directory.',
      registers,
      collect() {
        this.set(spools.bytes());
      },
    });
    this.pending = new Gauge({
      name: 'latchkey_spool_events_pending',
      help: 'Events in the spools of this process that the log has not acknowledged.',
      registers,
      collect() {
        this.set(spools.pending());
      },
    });
  }
}
