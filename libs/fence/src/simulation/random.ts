/** Numbers that look random and are the same for the same seed: mulberry32, by T. Ettinger. */
export class Random {
  private state: number;

  constructor(seed: number) {
    // Neighbouring seeds must not give neighbouring sequences; seeds above 2^32 count too.
    this.state = (Math.imul(seed ^ (seed >>> 15), 0x2c1b3c6d) ^ Math.floor(seed / 2 ** 32)) >>> 0;
    for (let n = 0; n < 4; n += 1) this.fraction();
  }

  /** At least 0, less than 1. */
  fraction(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  between(low: number, high: number): number {
    return low + this.fraction() * (high - low);
  }

  /** Between the two, every order of magnitude as likely as another. */
  anyScale(low: number, high: number): number {
    return low * (high / low) ** this.fraction();
  }

  /** 0 … n − 1. */
  below(n: number): number {
    return Math.floor(this.fraction() * n);
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }
}
