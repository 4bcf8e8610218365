import type { Host, Task, World } from './world.js';

/** What a network does to messages. */
export interface NetworkQuality {
  /** Of a message that nothing else holds up. */
  delayMsMax: number;
  /** How often one is held up, up to a second. */
  slow: number;
  lost: number;
  /** How often one arrives twice. */
  twice: number;
}

/** How often a message that meets a broken link arrives when it is whole again, as TCP lets it. */
const HELD_BACK = 0.2;

/** Carries messages between hosts: late, in any order, twice or never. */
export class Network {
  private readonly brokenUntil = new Map<number, number>();

  constructor(
    private readonly world: World,
    private readonly quality: NetworkQuality,
  ) {}

  /** Nothing from the one arrives at the other for so long. */
  cut(from: Host, to: Host, forMs: number): void {
    this.brokenUntil.set(linkOf(from, to), this.world.now + forMs);
  }

  isCut(from: Host, to: Host): boolean {
    return (this.brokenUntil.get(linkOf(from, to)) ?? 0) > this.world.now;
  }

  /** Runs `receive` at the other host when the message arrives, if it does. */
  send(from: Host, to: Host, receive: () => void): void {
    const { random, now } = this.world;
    if (this.isCut(from, to)) {
      if (!random.chance(HELD_BACK)) return;
      to.at((this.brokenUntil.get(linkOf(from, to)) ?? 0) + this.delayMs(), receive);
      return;
    }
    if (random.chance(this.quality.lost)) return;
    to.at(now + this.delayMs(), receive);
    if (random.chance(this.quality.twice)) to.at(now + this.delayMs() * 3, receive);
  }

  /** The answer of a task that runs at the other host; undefined when none came in time, by the caller's clock. */
  *call<T>(from: Host, to: Host, handle: () => Task<T>, timeoutMs?: number): Task<T | undefined> {
    const answer = yield (resume) => {
      let open = true;
      const settle = (value: unknown) => {
        if (!open) return;
        open = false;
        resume(value);
      };
      this.send(from, to, () => to.start(handle(), (value) => this.send(to, from, () => settle(value))));
      if (timeoutMs !== undefined) from.after(timeoutMs, () => settle(undefined));
    };
    return answer as T | undefined;
  }

  private delayMs(): number {
    const { random } = this.world;
    const { slow, delayMsMax } = this.quality;
    return random.chance(slow) ? random.anyScale(delayMsMax, 1000) : random.between(0.1, delayMsMax);
  }
}

function linkOf(from: Host, to: Host): number {
  return from.index * 64 + to.index;
}
