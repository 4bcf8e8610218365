import type { Stored } from './command.js';
import type { World } from './world.js';

/** Redis: holds what it was told, as long as it likes. */
export class RecordStore {
  private readonly records = new Map<string, Stored>();
  private readonly earlier = new Map<string, Stored>();
  private awayUntil = 0;

  constructor(private readonly world: World) {}

  /** Undefined where it has none, or does not answer. */
  read(subject: string): Stored | undefined {
    return this.awayUntil > this.world.now ? undefined : this.records.get(subject);
  }

  putIfNewer(stored: Stored): void {
    if (this.awayUntil > this.world.now) return;
    const known = this.records.get(stored.subject);
    if (known !== undefined && known.version >= stored.version) return;
    if (known !== undefined) this.earlier.set(stored.subject, known);
    this.records.set(stored.subject, stored);
  }

  stayAway(forMs: number): void {
    this.awayUntil = this.world.now + forMs;
  }

  flush(): void {
    this.records.clear();
  }

  /** Another server takes over that had not been told the latest. */
  failOver(): void {
    for (const [subject, stored] of this.earlier) this.records.set(subject, stored);
  }
}
