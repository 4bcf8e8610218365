/** Lets a loop sleep until something rings, without missing what rings while it is busy. */
export class WakeUp {
  private rung = false;
  private end: (() => void) | undefined;

  /** Ends the wait under way, or else the next one at once. */
  ring(): void {
    this.rung = true;
    this.end?.();
  }

  /** Resolves at the next ring, at once when it rang since the last wait, at the latest after `timeoutMs`. */
  async wait(timeoutMs: number): Promise<void> {
    if (!this.rung) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, timeoutMs);
        this.end = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.end = undefined;
    }
    this.rung = false;
  }
}
