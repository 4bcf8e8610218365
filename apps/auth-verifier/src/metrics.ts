import { Counter, Histogram, type Registry } from 'prom-client';
import type { Outcome } from '#libs/contracts';

/** The verifier's own metrics, in the registry of its service. */
export class VerifierMetrics {
  private readonly verifications: Counter<'verdict' | 'caller'>;
  /** By verdict and caller, both few: looking a counter up by its labels costs more than counting. */
  private readonly verificationsOf = new Map<string, Counter.Internal>();
  private readonly projectionLag: Histogram;

  constructor(registry: Registry) {
    const registers = [registry];
    this.verifications = new Counter({
      name: 'latchkey_verifications_total',
      help: 'Verdicts given, by verdict and calling service.',
      labelNames: ['verdict', 'caller'],
      registers,
    });
    this.projectionLag = new Histogram({
      name: 'latchkey_projection_lag_seconds',
      help: 'Age of a key or tenant message when it was in the view.',
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60],
      registers,
    });
  }

  verified(verdict: Outcome, caller: string): void {
    const id = `${verdict} ${caller}`;
    let counter = this.verificationsOf.get(id);
    if (counter === undefined) {
      counter = this.verifications.labels(verdict, caller);
      this.verificationsOf.set(id, counter);
    }
    counter.inc();
  }

  projected(lagSeconds: number): void {
    this.projectionLag.observe(Math.max(0, lagSeconds));
  }
}
