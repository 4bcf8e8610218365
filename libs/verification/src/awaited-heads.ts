import type { Clocks } from './clocks.js';

/** Who waits until the fence log is applied up to somewhere. */
export class AwaitedHeads {
  private readonly waiting = new Set<(applied: number) => void>();

  constructor(private readonly clocks: Pick<Clocks, 'after'>) {}

  /** Resolves to true once {@link applied} was told `head` or more, to false after `waitMs`. */
  reach(head: number, waitMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (reached: boolean) => {
        this.waiting.delete(check);
        takeBack();
        resolve(reached);
      };
      const check = (applied: number) => {
        if (applied >= head) settle(true);
      };
      const takeBack = this.clocks.after(waitMs, () => settle(false));
      this.waiting.add(check);
    });
  }

  applied(applied: number): void {
    for (const check of this.waiting) check(applied);
  }
}
