import { FAILURE, type Host, type Task } from './world.js';

const LOCK_TIMEOUT_MS = 500;
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 1000;

type Mode = 'shared' | 'exclusive';

/** A transaction, as far as locks and the end of its session are concerned. */
export class Session {
  private lastStatementAt: number;
  private over = false;
  private readonly lives: number;

  constructor(
    readonly host: Host,
    private readonly server: Host,
  ) {
    this.lastStatementAt = host.world.now;
    this.lives = host.lives + server.lives;
  }

  /** Called by each statement: one who was silent for too long, or was cut off, is rolled back and told so. */
  touch(): void {
    if (this.isOver()) throw FAILURE;
    this.lastStatementAt = this.host.world.now;
  }

  isOver(): boolean {
    return (
      this.over ||
      this.lives !== this.host.lives + this.server.lives ||
      this.host.world.now - this.lastStatementAt > IDLE_IN_TRANSACTION_TIMEOUT_MS
    );
  }

  end(): void {
    this.over = true;
  }
}

/** An advisory lock: whoever waits longest goes first. */
export class Lock {
  private readonly holders = new Map<Session, Mode>();
  private waiting: { session: Session; mode: Mode; go: () => void }[] = [];

  *acquire(session: Session, mode: Mode): Task {
    session.touch();
    this.sweep();
    if (this.waiting.length === 0 && this.isFree(mode)) {
      this.holders.set(session, mode);
      return;
    }
    const { host } = session;
    const got = yield (resume) => {
      const waiter = { session, mode, go: () => host.at(host.world.now, () => resume(true)) };
      this.waiting.push(waiter);
      host.after(LOCK_TIMEOUT_MS, () => {
        if (!this.waiting.includes(waiter)) return;
        this.waiting = this.waiting.filter((other) => other !== waiter);
        this.sweep();
        resume(false);
      });
    };
    if (got !== true) throw FAILURE;
    session.touch();
  }

  release(session: Session): void {
    if (this.holders.delete(session)) this.sweep();
  }

  /** Takes the lock from those whose session is over, and gives it to those who may have it now. */
  private sweep(): void {
    for (const session of this.holders.keys()) if (session.isOver()) this.holders.delete(session);
    this.waiting = this.waiting.filter(({ session }) => !session.isOver());
    for (let next = this.waiting[0]; next !== undefined && this.isFree(next.mode); next = this.waiting[0]) {
      this.waiting.shift();
      this.holders.set(next.session, next.mode);
      next.go();
    }
  }

  private isFree(mode: Mode): boolean {
    if (this.holders.size === 0) return true;
    return mode === 'shared' && ![...this.holders.values()].includes('exclusive');
  }
}
