/** What to let go of, in the reverse order of its taking. */
export class Closers {
  private readonly closers: (() => Promise<void>)[] = [];
  private closing: Promise<void> | undefined;

  /** Whether {@link close} was called. */
  get isClosing(): boolean {
    return this.closing !== undefined;
  }

  add(closer: () => Promise<void>): void {
    this.closers.push(closer);
  }

  /** Calls every closer once, however often it is called itself; rejects with the first failure, after all of them. */
  close(): Promise<void> {
    this.closing ??= this.closeAll();
    return this.closing;
  }

  private async closeAll(): Promise<void> {
    const failures: unknown[] = [];
    for (const closer of this.closers.toReversed()) {
      try {
        await closer();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}
