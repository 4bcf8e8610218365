import type { LeaseReading, LeaseRow } from '../fence-authority.js';
import { CLOCK_RATE_ERROR, CLOCK_RESOLUTION_MS } from '../fence-terms.js';
import type { Grant } from '../fence-verifier.js';
import { AuthorityHost } from './authority-host.js';
import type { Change } from './command.js';
import { Database, type StoredLease } from './database.js';
import type { Task } from './world.js';

/** Not heard from for so long, a verifier is taken for gone. */
const SILENT_MS = 300;

export class IgnoresTheDisconnected extends AuthorityHost {
  private readonly heardMs = new Map<string, number>();

  override renew(incarnation: string, applied: number): Task<Grant> {
    this.heardMs.set(incarnation, this.host.monotonicMs());
    return super.renew(incarnation, applied);
  }

  protected override readingOf(reading: LeaseReading): LeaseReading {
    const sinceMs = this.host.monotonicMs() - SILENT_MS;
    const isConnected = ({ incarnation }: LeaseRow) => (this.heardMs.get(incarnation) ?? 0) > sinceMs;
    return { ...reading, rows: reading.rows.filter(isConnected) };
  }
}

/** Takes rows for new that were read before the commit. */
export class CountsEarlierAcknowledgements extends AuthorityHost {
  protected override readingOf(reading: LeaseReading): LeaseReading {
    return { ...reading, readFromMs: Number.POSITIVE_INFINITY };
  }
}

export class TrustsAcknowledgementsOfANewEpoch extends AuthorityHost {
  protected override trustsAcknowledgements(): boolean {
    return true;
  }
}

/** What was waited for when the epoch changed is still called enforced by acknowledgements. */
export class TrustsAcknowledgementsAcrossEpochs extends AuthorityHost {
  protected override distrust(): void {
    // Nothing changes for what waits.
  }
}

export class NoLock extends Database {
  // oxlint-disable-next-line require-yield
  override *lock(): Task {
    // Goes on at once.
  }
}

/** Waits (L + S) + ε. */
export class WaitsWithoutDriftMargin extends Database {
  override get outlivesMs(): number {
    const { longestLeaseMs, serveStaleMaxMs } = this.terms;
    return longestLeaseMs + serveStaleMaxMs + CLOCK_RESOLUTION_MS;
  }
}

/** Waits L(1 + 2ρ) + S + ε. */
export class WaitsWithoutDriftMarginOnStale extends Database {
  override get outlivesMs(): number {
    const { longestLeaseMs, serveStaleMaxMs } = this.terms;
    return longestLeaseMs * (1 + 2 * CLOCK_RATE_ERROR) + serveStaleMaxMs + CLOCK_RESOLUTION_MS;
  }
}

export class OneRowForAVerifier extends Database {
  override register(lease: Pick<LeaseRow, 'verifierId' | 'incarnation' | 'serveStaleMs'>): void {
    for (const { verifierId, incarnation } of this.readLeases().rows)
      if (verifierId === lease.verifierId) this.deregister(incarnation);
    super.register(lease);
  }
}

export class ForgetsLongerLeases extends Database {
  override changeLease(leaseMs: number): void {
    super.changeLease(leaseMs);
    this.terms = { ...this.terms, longestLeaseMs: leaseMs };
  }
}

export class LosesRenewals extends Database {
  override renewed(lease: StoredLease, applied: number): void {
    const durable = { acked: lease.acked, renewals: lease.renewals };
    super.renewed(lease, applied);
    lease.durable = durable;
  }
}

export class LiftsWithoutAHint extends Database {
  override append(change: Change): void {
    super.append(
      change.entry.kind === 'HINT' ? { ...change, entry: { ...change.entry, floorVersion: 0 } } : change,
    );
  }
}
