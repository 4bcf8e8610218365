import { EventQueue } from './event-queue.js';
import type { Random } from './random.js';

/** Arranges that `resume` is called, once, when what a task waits for is there. */
type Wait = (resume: (value: unknown) => void) => void;

/** What a process does, written from top to bottom: it goes on when what it yields resumes it. */
export type Task<T = void> = Generator<Wait, T, unknown>;

class Failure extends Error {}

/** Ends a task that throws it, as an error that nobody catches ends a request: with no answer. */
export const FAILURE = new Failure();

/** Real time, in milliseconds, and what is going to happen. */
export class World {
  now = 0;
  private readonly queue = new EventQueue();

  constructor(readonly random: Random) {}

  at(time: number, run: () => void): void {
    this.queue.add(Math.max(time, this.now), run);
  }

  after(ms: number, run: () => void): void {
    this.at(this.now + ms, run);
  }

  /** Lets everything happen that does until then. */
  runUntil(endMs: number): void {
    while (this.queue.nextAt <= endMs) {
      const event = this.queue.take();
      if (event === undefined) return;
      this.now = event.at;
      event.run();
    }
  }
}

/**
 * A process on a machine of its own: one thread, whose clock runs at a rate of its own, and which may stand still, die,
 * or be suspended together with its clock.
 */
export class Host {
  /** Each death ends one, each beginning too. */
  private life = 0;
  private alive = true;
  private stoppedUntil = 0;
  private clockLostMs = 0;

  constructor(
    readonly world: World,
    /** Of the hosts of this world. */
    readonly index: number,
    /** What its clock shows at the beginning, and how fast it goes. */
    private readonly clock: { startMs: number; rate: number },
  ) {}

  /** Stands still while the machine is suspended. */
  monotonicMs(): number {
    return this.clock.startMs + (this.world.now - this.clockLostMs) * this.clock.rate;
  }

  /** Goes on while the machine is suspended. */
  bootMs(): number {
    return this.clock.startMs + this.world.now * this.clock.rate;
  }

  get lives(): number {
    return this.life;
  }

  isStopped(): boolean {
    return this.stoppedUntil > this.world.now;
  }

  pause(forMs: number): void {
    this.stoppedUntil = Math.max(this.stoppedUntil, this.world.now + forMs);
  }

  suspend(forMs: number): void {
    this.pause(forMs);
    this.clockLostMs += forMs;
  }

  /** Everything that was going on here is gone, and what arrives finds nobody. */
  die(): void {
    this.life += 1;
    this.alive = false;
    this.stoppedUntil = 0;
  }

  /** Begins another life; one that is still going on ends. */
  revive(): void {
    this.life += 1;
    this.alive = true;
  }

  /** Runs here at that time, or in any order with what else has come when it no longer stands still; not after a death. */
  at(time: number, run: () => void): void {
    const { life, world } = this;
    const arrive = () => {
      if (life !== this.life || !this.alive) return;
      if (this.isStopped()) world.at(this.stoppedUntil + world.random.fraction() * 2, arrive);
      else run();
    };
    world.at(time, arrive);
  }

  /** Runs here after so long by its own clock. */
  after(ms: number, run: () => void): void {
    const dueMs = this.monotonicMs() + ms;
    const ring = () => {
      const leftMs = dueMs - this.monotonicMs();
      if (leftMs > 1e-6) this.at(this.world.now + leftMs / this.clock.rate, ring);
      else run();
    };
    this.at(this.world.now + ms / this.clock.rate, ring);
  }

  /** Runs here again and again, the first time after so long, until it dies. */
  every(ms: number, run: () => void): void {
    this.after(ms, () => {
      run();
      this.every(ms, run);
    });
  }

  /** `done` is not called for a task that fails; what resumes one after a death resumes nobody. */
  start<T>(task: Task<T>, done?: (value: T) => void): void {
    const { life } = this;
    const step = (value: unknown) => {
      if (life !== this.life) return;
      try {
        const result = task.next(value);
        if (result.done === true) done?.(result.value);
        else result.value(step);
      } catch (error) {
        if (error !== FAILURE) throw error;
      }
    };
    step(undefined);
  }

  *sleep(ms: number): Task {
    yield (resume) => this.after(ms, () => resume(undefined));
  }
}
