/**
 * A limit per second that its callers share: in no second are more than `perSecondMax` admitted, and no caller gets
 * more than its part among those who asked in this second or the one before. Who asks after others have used the
 * second up waits for the next one, in which its part is kept for it. Times are milliseconds of one clock.
 */
export class FairShare {
  private second = Number.NaN;
  private admitted = new Map<string, number>();
  private before = new Map<string, number>();
  private total = 0;

  constructor(private readonly perSecondMax: number) {}

  admits(caller: string, nowMs: number): boolean {
    this.turnTo(Math.floor(nowMs / 1000));
    const used = this.admitted.get(caller) ?? 0;
    // Counted as having asked even when refused: that keeps its part in the next second.
    this.admitted.set(caller, used);
    const callers = new Set([...this.admitted.keys(), ...this.before.keys()]).size;
    if (this.total >= this.perSecondMax || used >= Math.max(1, Math.floor(this.perSecondMax / callers))) {
      return false;
    }
    this.admitted.set(caller, used + 1);
    this.total += 1;
    return true;
  }

  private turnTo(second: number): void {
    if (second === this.second) return;
    this.before = second === this.second + 1 ? this.admitted : new Map();
    this.admitted = new Map();
    this.total = 0;
    this.second = second;
  }
}
