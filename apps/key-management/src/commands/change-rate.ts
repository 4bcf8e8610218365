import { Rejection } from '#libs/contracts';

/** Of how many seconds a tenant may save up what it did not use. */
const SAVED_SECONDS = 2;

/** Tenants remembered before those that have all their changes left are forgotten. */
const TENANTS_MAX = 10_000;

interface Bucket {
  left: number;
  atMs: number;
}

/**
 * Bounds how fast one tenant's keys are changed: every change takes the lock that orders leases and restrictions, so a
 * flood of them by one tenant would slow the restrictions of all. A token bucket per tenant, per replica.
 */
export class ChangeRate {
  private readonly buckets = new Map<string, Bucket>();

  constructor(
    private readonly perSecondMax: number,
    private readonly nowMs: () => number,
  ) {}

  /** Takes one change; throws RATE_LIMITED with the seconds to wait where none is left. */
  admit(tenantId: string): void {
    const nowMs = this.nowMs();
    const left = this.leftOf(tenantId, nowMs);
    if (left < 1) {
      throw new Rejection('RATE_LIMITED', [], Math.max(1, Math.ceil((1 - left) / this.perSecondMax)));
    }
    this.buckets.set(tenantId, { left: left - 1, atMs: nowMs });
    if (this.buckets.size > TENANTS_MAX) this.forgetIdle(nowMs);
  }

  private leftOf(tenantId: string, nowMs: number): number {
    const full = Math.max(1, this.perSecondMax * SAVED_SECONDS);
    const bucket = this.buckets.get(tenantId);
    if (bucket === undefined) return full;
    return Math.min(full, bucket.left + ((nowMs - bucket.atMs) / 1000) * this.perSecondMax);
  }

  private forgetIdle(nowMs: number): void {
    const full = Math.max(1, this.perSecondMax * SAVED_SECONDS);
    for (const tenantId of this.buckets.keys()) {
      if (this.leftOf(tenantId, nowMs) >= full) this.buckets.delete(tenantId);
    }
  }
}
