import { BoundedMap } from './bounded-map.js';

/**
 * Digests that key-management did not know a short while ago. A generated secret cannot be asked for before it
 * exists; an imported one can, which is why an import must {@link forget} it. Times are milliseconds of one clock.
 */
export class RememberedMisses {
  private untilMs: BoundedMap<string, number>;

  constructor(
    private readonly ttlMs: number,
    private readonly digestsMax: number,
  ) {
    this.untilMs = new BoundedMap(digestsMax);
  }

  add(digest: string, nowMs: number): void {
    this.untilMs.set(digest, nowMs + this.ttlMs);
  }

  has(digest: string, nowMs: number): boolean {
    const untilMs = this.untilMs.get(digest);
    return untilMs !== undefined && nowMs < untilMs;
  }

  forget(digest: string): void {
    this.untilMs.delete(digest);
  }

  clear(): void {
    this.untilMs = new BoundedMap(this.digestsMax);
  }
}
