import { Counter, Gauge, type Registry } from 'prom-client';
import type { FenceStatus } from './fence-status.js';
import type { ReadThroughResult } from './read-through.js';

/** Metrics of what verifies, in the registry of its service. */
export class VerificationMetrics {
  private readonly readThroughs: Counter<'result'>;
  private readonly badSeals: Counter;

  constructor(
    private readonly registry: Registry,
    status: () => FenceStatus,
  ) {
    const registers = [registry];
    this.readThroughs = new Counter({
      name: 'latchkey_read_throughs_total',
      help: 'Records asked of key-management, by what came of it.',
      labelNames: ['result'],
      registers,
    });
    this.badSeals = new Counter({
      name: 'latchkey_bad_seals_total',
      help: 'Records that key-management did not seal; any at all is an attack or a wrong seal key.',
      registers,
    });
    this.gauge('applied_seq', 'The fence log is applied up to here.', () => status().applied);
    this.gauge('lag_entries', 'Entries of the fence log that are known and not applied.', () => status().lag);
    this.gauge('lease_left_seconds', 'How long may still be answered; 0: not at all.', () => {
      return status().leaseLeftMs / 1000;
    });
    this.gauge('registrations', 'How often this verifier was registered since it started.', () => {
      return status().registrations;
    });
    this.gauge(
      'suspensions',
      'How often its clock was found to have stood still, or to have been set.',
      () => {
        return status().suspensions;
      },
    );
  }

  readThrough(result: ReadThroughResult): void {
    this.readThroughs.inc({ result });
  }

  badSeal(): void {
    this.badSeals.inc();
  }

  private gauge(name: string, help: string, read: () => number): void {
    const gauge: Gauge = new Gauge({
      name: `latchkey_fence_${name}`,
      help,
      registers: [this.registry],
      collect: () => {
        gauge.set(read());
      },
    });
  }
}
