import { type FenceEntry, FencePushes, type Push } from '#libs/fence';
import { Rejection } from '#libs/contracts';
import type { Logger } from '#libs/service-kit';
import type { FenceLedger, FenceStanding, Incarnation } from './fence-ledger.js';

/** How often what is not acknowledged is looked for, milliseconds. */
const RESEND_TICK_MS = 50;
/** How often new entries are read without being called for, milliseconds. */
const READ_MS = 1000;
/** Most entries read at once. */
const ENTRIES_MAX = 1000;

/** The way to one verifier that watches. */
export interface Watcher {
  send(epoch: string, entries: readonly FenceEntry[]): void;
  end(error?: unknown): void;
}

interface Watch extends Incarnation {
  watcher: Watcher;
}

/**
 * Pushes new entries of the fence log to the verifiers that watch this replica, and hands on what they acknowledge,
 * all that came in one turn in one write. It makes restrictions fast; that they are safe depends on nothing here.
 */
export class FenceWatchRelay {
  private readonly pushes = new FencePushes();
  private readonly watches = new Map<string, Watch>();
  private acks = new Map<string, Incarnation & { applied: number }>();
  private writing = false;
  private reading: Promise<void> | undefined;
  private readAgain = false;
  private readAtMs = 0;
  /** Where the log was read up to; undefined until it is known where it stands. */
  private place: { epoch: string; seq: number } | undefined;
  private timer: NodeJS.Timeout | undefined;
  private nextName = 1;
  private closed = false;

  constructor(
    private readonly ledger: FenceLedger,
    private readonly acknowledged: () => void,
    private readonly logger: Logger,
  ) {}

  start(): void {
    this.timer = setInterval(() => this.tick(), RESEND_TICK_MS);
  }

  /** Ends every watch; verifiers then turn to another replica. */
  async close(): Promise<void> {
    this.closed = true;
    clearInterval(this.timer);
    for (const name of this.watches.keys()) this.end(name);
    await this.reading;
  }

  /** Begins a watch; what is acknowledged comes to {@link acknowledge} under the name. */
  watch(incarnation: Incarnation, applied: number, watcher: Watcher): string {
    const name = String(this.nextName);
    this.nextName += 1;
    this.watches.set(name, { ...incarnation, watcher });
    if (this.closed) this.end(name);
    this.send(this.pushes.watch(name, applied, nowMs()));
    this.acknowledge(name, applied);
    return name;
  }

  unwatch(name: string): void {
    this.watches.delete(name);
    this.pushes.unwatch(name);
  }

  acknowledge(name: string, applied: number): void {
    const watch = this.watches.get(name);
    if (watch === undefined) return;
    this.pushes.acknowledged(name, applied);
    const { verifierId, incarnation } = watch;
    this.acks.set(name, { verifierId, incarnation, applied });
    if (!this.writing) void this.writeAcks();
  }

  /** Reads what is new and pushes it; once more if it is reading already. Never rejects. */
  read(): Promise<void> {
    if (this.reading !== undefined) {
      this.readAgain = true;
      return this.reading;
    }
    this.reading = (async () => {
      do {
        this.readAgain = false;
        await this.readOnce();
      } while (this.readAgain && !this.closed);
    })().finally(() => {
      this.reading = undefined;
    });
    return this.reading;
  }

  /** In a new epoch pushing begins anew, where its log stands. */
  looked({ epoch, head }: FenceStanding): void {
    if (this.place?.epoch !== epoch) this.place = { epoch, seq: head };
  }

  gaveUp(incarnations: readonly Incarnation[]): void {
    const gone = new Set(incarnations.map(idOf));
    for (const [name, watch] of this.watches) {
      if (gone.has(idOf(watch))) this.end(name, new Rejection('INCARNATION_UNKNOWN'));
    }
  }

  private tick(): void {
    if (this.pushes.hasUnacknowledged) this.send(this.pushes.resend(nowMs()));
    if (nowMs() - this.readAtMs >= READ_MS && this.reading === undefined) void this.read();
  }

  private async readOnce(): Promise<void> {
    const { place } = this;
    this.readAtMs = nowMs();
    if (place === undefined) return;
    try {
      const { epoch, entries } = await this.ledger.entriesAfter(place.seq, ENTRIES_MAX);
      const last = entries.at(-1);
      if (last === undefined || epoch !== place.epoch || this.place !== place) return;
      this.place = { epoch, seq: last.seq };
      this.send(this.pushes.committed(entries, nowMs()));
      this.readAgain ||= entries.length === ENTRIES_MAX;
    } catch (err) {
      this.logger.debug({ err }, 'could not read new fence entries, trying again');
    }
  }

  private async writeAcks(): Promise<void> {
    this.writing = true;
    while (this.acks.size > 0) {
      await new Promise((resolve) => setImmediate(resolve));
      const acks = this.acks;
      this.acks = new Map();
      try {
        const known = new Set((await this.ledger.acknowledge([...acks.values()])).map(idOf));
        for (const [name, ack] of acks) {
          if (!known.has(idOf(ack))) this.end(name, new Rejection('INCARNATION_UNKNOWN'));
        }
        this.acknowledged();
      } catch (err) {
        // The next acknowledgement or renewal carries it.
        this.logger.debug({ err }, 'could not keep acknowledgements');
      }
    }
    this.writing = false;
  }

  private send(pushes: readonly Push[]): void {
    for (const { watcher, entries } of pushes) {
      this.watches.get(watcher)?.watcher.send(this.place?.epoch ?? '', entries);
    }
  }

  private end(name: string, error?: unknown): void {
    const watch = this.watches.get(name);
    this.unwatch(name);
    watch?.watcher.end(error);
  }
}

function idOf({ verifierId, incarnation }: Incarnation): string {
  return `${verifierId} ${incarnation}`;
}

function nowMs(): number {
  return performance.now();
}
