import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decisionProblems } from './admission-log.contract.js';
import { onFakeClock } from './in-memory-limiter.contract.js';
import { InMemoryRateLimiter } from './in-memory-rate-limiter.js';
import { type Arrival, arrivals, decisionsOn } from './rate-limiter.contract.js';
import { type Admission, type Demand, RateLimiter, WINDOW_MS } from './rate-limiter.js';
import { admissionOf } from './sliding-window.js';

const WINDOW_MICROS = WINDOW_MS * 1000;
const RUNS = 300;

/** A limiter of one subject that decides by the times of its admissions, each in its own wrong way. */
class FlawedLimiter extends RateLimiter {
  private times: number[] = [];

  constructor(
    private readonly nowMs: () => number,
    private readonly flaw: (times: number[], nowMicros: number, demand: Demand) => number[],
    private readonly countsRefused = false,
  ) {
    super();
  }

  async consume(demands: readonly Demand[]): Promise<Admission[]> {
    return demands.map((demand) => {
      const now = Math.floor(this.nowMs() * 1000);
      this.times = this.flaw(this.times, now, demand);
      const held = this.times.length + demand.cost;
      const admitted = held <= demand.limit;
      if (admitted || this.countsRefused) this.times.push(...Array.from({ length: demand.cost }, () => now));
      const waitMicros = admitted ? 0 : WINDOW_MICROS;
      return admissionOf(demand, { held, waitMicros, freeMicros: WINDOW_MICROS, decidedAtMicros: now });
    });
  }

  async check(): Promise<void> {}

  async close(): Promise<void> {}
}

const inWindow = (times: number[], now: number) => times.filter((time) => time > now - WINDOW_MICROS);
const inFixedWindow = (times: number[], now: number) =>
  times.filter((time) => Math.floor(time / WINDOW_MICROS) === Math.floor(now / WINDOW_MICROS));
const trimmedToLimit = (times: number[], now: number, { limit }: Demand) =>
  inWindow(times, now).slice(-limit);
const closedWindow = (times: number[], now: number) => times.filter((time) => time >= now - WINDOW_MICROS);

/** What the shortest arrivals that show a flaw have against it; nothing when none of them does. */
async function problemsOf(make: (nowMs: () => number) => RateLimiter): Promise<string[]> {
  const problems = async (all: Arrival[]) => decisionProblems(await decisionsOn(onFakeClock(make), 'a', all));
  const isExact = fc.asyncProperty(arrivals, async (all) => (await problems(all)).length === 0);
  const { counterexample } = await fc.check(isExact, { numRuns: RUNS });
  return counterexample === null ? [] : problems(counterexample[0]);
}

describe('the check of decisions by the definition', () => {
  it('finds nothing against the exact window', async () => {
    expect(await problemsOf((nowMs) => new InMemoryRateLimiter(nowMs))).toEqual([]);
  });

  it.each([
    ['counts by the minute of the clock', inFixedWindow, false, 'admitted in the window'],
    ['trims its log to a lowered limit', trimmedToLimit, false, 'admitted in the window'],
    ['takes the window as closed', closedWindow, false, 'refused at'],
    ['lets what was refused consume', inWindow, true, 'refused at'],
  ])('catches a limiter that %s', async (_, flaw, countsRefused, problem) => {
    const problems = await problemsOf((nowMs) => new FlawedLimiter(nowMs, flaw, countsRefused));
    expect(problems).toContainEqual(expect.stringContaining(problem));
  });
});
