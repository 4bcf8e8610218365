import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decisionProblems, type LoggedDecision } from './admission-log.contract.js';
import { type Admission, type Demand, type RateLimiter, WINDOW_MS } from './rate-limiter.js';

export interface LimiterUnderTest {
  limiter: RateLimiter;
  /** Lets so much time pass for every subject, or takes it back; whole milliseconds. */
  advance(ms: number): Promise<void>;
  /** When an admission was decided, on the time line that `advance` moves along. */
  timeMicros(admission: Admission): number;
}

/** A pause, and what is demanded after it. */
export interface Arrival {
  pauseMs: number;
  demands: { limit: number; cost: number }[];
}

/** Pauses that meet the window's edge, bursts, costs, and limits that are raised and lowered. */
export const arrivals: fc.Arbitrary<Arrival[]> = fc.array(
  fc.record({
    pauseMs: fc.oneof(
      fc.constantFrom(0, 1, WINDOW_MS / 2, WINDOW_MS - 1, WINDOW_MS, WINDOW_MS + 1),
      fc.nat(WINDOW_MS / 2),
    ),
    demands: fc.array(
      fc.record({
        limit: fc.constantFrom(3, 5, 10),
        cost: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 11 })),
      }),
      { minLength: 1, maxLength: 8 },
    ),
  }),
  { minLength: 1, maxLength: 12 },
);

/** Demands all of it of one subject and resolves to what was decided. */
export async function decisionsOn(
  under: LimiterUnderTest,
  subject: string,
  all: readonly Arrival[],
): Promise<LoggedDecision[]> {
  const log: LoggedDecision[] = [];
  for (const { pauseMs, demands } of all) {
    if (pauseMs > 0) await under.advance(pauseMs);
    const admissions = await under.limiter.consume(demands.map((demand) => ({ ...demand, subject })));
    for (const [index, admission] of admissions.entries()) {
      const { limit, cost } = demands[index] as Arrival['demands'][number];
      log.push({ atMicros: under.timeMicros(admission), limit, cost, admitted: admission.admitted });
    }
  }
  return log;
}

const RUNS = 50;

/**
 * What every adapter of {@link RateLimiter} promises, with the window of 60 s. The time that the tests themselves take
 * may pass too. `degraded`: what each answer is to say of itself.
 */
export function rateLimiterContract(open: () => Promise<LimiterUnderTest>, { degraded = false } = {}): void {
  describe('as a RateLimiter', () => {
    let under: LimiterUnderTest;
    let subjects = 0;
    const newSubject = () => `subject-${++subjects}`;
    const times = (count: number, demand: Demand) => Array.from({ length: count }, () => demand);
    const consume = (...demands: Demand[]) => under.limiter.consume(demands);
    const admitted = async (...demands: Demand[]) => (await consume(...demands)).map((each) => each.admitted);
    const admittedOf = async (count: number, demand: Demand) =>
      (await admitted(...times(count, demand))).filter(Boolean).length;

    beforeAll(async () => {
      under = await open();
    });
    afterAll(() => under.limiter.close());

    it('admits up to the limit and tells with each answer what is left', async () => {
      const demand = { subject: newSubject(), limit: 3, cost: 1 };
      const answers = await consume(...times(4, demand));
      expect(answers.map((answer) => answer.admitted)).toEqual([true, true, true, false]);
      expect(answers.map(({ remaining }) => remaining)).toEqual([2, 1, 0, 0]);
      expect(answers.slice(0, 3).map(({ retryAfterMs }) => retryAfterMs)).toEqual([0, 0, 0]);
      for (const answer of answers) {
        expect(answer).toMatchObject({ limit: 3, degraded });
        expect(answer.resetMs).toBeGreaterThan(0);
        expect(answer.resetMs).toBeLessThanOrEqual(WINDOW_MS);
      }
      expect(answers[3]?.retryAfterMs).toBeGreaterThan(0);
      expect(answers[3]?.retryAfterMs).toBeLessThanOrEqual(WINDOW_MS);
    });

    it('admits again as many as have left the window, one by one as they came', async () => {
      const demand = { subject: newSubject(), limit: 3, cost: 1 };
      expect(await admittedOf(2, demand)).toBe(2);
      await under.advance(20_000);
      expect(await admittedOf(2, demand)).toBe(1);
      await under.advance(20_000);
      expect(await admittedOf(2, demand)).toBe(0);
      await under.advance(25_000);
      expect(await admittedOf(3, demand)).toBe(2);
      await under.advance(20_000);
      expect(await admittedOf(3, demand)).toBe(1);
    });

    it('consumes nothing for a refused demand, however often it comes', async () => {
      const demand = { subject: newSubject(), limit: 2, cost: 1 };
      expect(await admittedOf(2, demand)).toBe(2);
      await under.advance(40_000);
      expect(await admittedOf(50, demand)).toBe(0);
      await under.advance(25_000);
      expect(await admittedOf(3, demand)).toBe(2);
    });

    it('takes as many admissions as a demand costs, and a smaller one where a greater does not fit', async () => {
      const demand = { subject: newSubject(), limit: 10 };
      const costs = [4, 5, 2, 1, 1].map((cost) => ({ ...demand, cost }));
      const answers = await consume(...costs);
      expect(answers.map((answer) => answer.admitted)).toEqual([true, true, false, true, false]);
      expect(answers.map(({ remaining }) => remaining)).toEqual([6, 1, 1, 0, 0]);
    });

    it('never admits a cost above the limit, and says so', async () => {
      const subject = newSubject();
      const [never] = await consume({ subject, limit: 5, cost: 6 });
      expect(never).toMatchObject({ admitted: false, remaining: 5, retryAfterMs: Infinity, resetMs: 0 });
      expect(await admitted({ subject, limit: 5, cost: 5 })).toEqual([true]);
      const [still] = await consume({ subject, limit: 5, cost: 6 });
      expect(still).toMatchObject({ admitted: false, remaining: 0, retryAfterMs: Infinity });
    });

    it('admits a refused demand that comes again after the time it was told', async () => {
      const scenario = fc.record({
        before: fc.array(fc.record({ pauseMs: fc.nat(9000), cost: fc.integer({ min: 1, max: 4 }) }), {
          minLength: 1,
          maxLength: 8,
        }),
        cost: fc.integer({ min: 1, max: 10 }),
      });
      await fc.assert(
        fc.asyncProperty(scenario, async ({ before, cost }) => {
          const demand = { subject: newSubject(), limit: 10 };
          for (const { pauseMs, cost: each } of before) {
            await under.advance(pauseMs);
            await consume({ ...demand, cost: each });
          }
          const [first] = await consume({ ...demand, cost });
          await under.advance(first?.retryAfterMs ?? 0);
          expect(first?.admitted || (await admitted({ ...demand, cost }))[0]).toBe(true);
        }),
        { numRuns: RUNS },
      );
    });

    it('has the whole budget free again after the time it told', async () => {
      const demand = { subject: newSubject(), limit: 4, cost: 2 };
      await consume(demand);
      await under.advance(10_000);
      const [full, refused] = await consume(demand, demand);
      expect([full?.admitted, refused?.admitted]).toEqual([true, false]);
      expect(refused?.resetMs).toBeGreaterThan(refused?.retryAfterMs ?? Infinity);
      await under.advance(refused?.resetMs ?? 0);
      expect(await admitted({ ...demand, cost: 4 })).toEqual([true]);
    });

    it('compares a limit that was lowered and raised again with all that was admitted: 600, 120, 600', async () => {
      const demand = { subject: newSubject(), cost: 1 };
      expect(await admittedOf(600, { ...demand, limit: 600 })).toBe(600);
      const [lowered] = await consume({ ...demand, limit: 120 });
      expect(lowered).toMatchObject({ admitted: false, remaining: 0, limit: 120 });
      await under.advance(30_000);
      expect(await admittedOf(10, { ...demand, limit: 120 })).toBe(0);
      expect(await admittedOf(600, { ...demand, limit: 600 })).toBe(0);
      await under.advance(35_000);
      expect(await admittedOf(600, { ...demand, limit: 120 })).toBe(120);
      expect(await admittedOf(600, { ...demand, limit: 600 })).toBe(480);
    });

    it('keeps the budgets of subjects apart and answers in the order of the demands', async () => {
      const [a, b] = [newSubject(), newSubject()].map((subject) => ({ subject, limit: 1, cost: 1 }));
      if (a === undefined || b === undefined) throw new Error('there are two subjects');
      expect(await admitted(a, b, a, { ...b, limit: 3 }, b)).toEqual([true, true, false, true, false]);
      expect(await consume()).toEqual([]);
    });

    it('admits no more than the limit of what arrives at the same time', async () => {
      const demand = { subject: newSubject(), limit: 20, cost: 1 };
      const answers = await Promise.all(times(100, demand).map((each) => consume(each)));
      expect(answers.flat().filter((answer) => answer.admitted)).toHaveLength(20);
    });

    it.each([0, -1, 1.5, Number.NaN, Infinity, 2 ** 53])(
      'refuses %d as a limit and as a cost',
      async (value) => {
        const demand = { subject: newSubject(), limit: 1, cost: 1 };
        await expect(consume(demand, { ...demand, limit: value })).rejects.toThrow(RangeError);
        await expect(consume(demand, { ...demand, cost: value })).rejects.toThrow(RangeError);
        expect(await admitted(demand)).toEqual([true]);
      },
    );

    it('admits no more for a clock that is set back', async () => {
      const demand = { subject: newSubject(), limit: 3, cost: 1 };
      const [before] = await consume(demand);
      await under.advance(-30_000);
      const [after] = await consume(demand, demand, demand);
      expect(under.timeMicros(after as Admission)).toBeGreaterThanOrEqual(
        under.timeMicros(before as Admission),
      );
      expect(await admitted(demand)).toEqual([false]);
      await under.advance(65_000);
      expect(await admitted(demand)).toEqual([false]);
      await under.advance(30_000);
      expect(await admittedOf(4, demand)).toBe(3);
    });

    it('does not stand still until the time of a clock that was far ahead', async () => {
      const demand = { subject: newSubject(), limit: 1, cost: 1 };
      expect(await admitted(demand)).toEqual([true]);
      await under.advance(-2 * WINDOW_MS);
      expect(await admittedOf(2, demand)).toBe(1);
      await under.advance(WINDOW_MS);
      expect(await admittedOf(2, demand)).toBe(1);
    });

    it('decides every arrival by the definition: bursts, costs, limits raised and lowered', async () => {
      await fc.assert(
        fc.asyncProperty(arrivals, async (all) => {
          expect(decisionProblems(await decisionsOn(under, newSubject(), all))).toEqual([]);
        }),
        { numRuns: RUNS },
      );
    });

    it('never refuses a client that keeps to exactly the limit in every window', async () => {
      const clients = fc.record({
        limit: fc.integer({ min: 1, max: 8 }),
        pausesMs: fc.array(fc.oneof(fc.constant(0), fc.nat(20_000)), { minLength: 10, maxLength: 40 }),
      });
      await fc.assert(
        fc.asyncProperty(clients, async ({ limit, pausesMs }) => {
          const demand = { subject: newSubject(), limit, cost: 1 };
          const atMicros: number[] = [];
          for (const pauseMs of pausesMs) {
            const earliest = (atMicros.at(-limit) ?? -Infinity) + WINDOW_MS * 1000;
            const untilEarliestMs = Math.ceil((earliest - (atMicros.at(-1) ?? 0)) / 1000);
            await under.advance(Math.max(pauseMs, untilEarliestMs));
            const [answer] = await consume(demand);
            expect(answer).toMatchObject({ admitted: true });
            atMicros.push(under.timeMicros(answer as Admission));
          }
        }),
        { numRuns: RUNS },
      );
    });

    it('passes a check only where it does not decide alone', async () => {
      const passes = await under.limiter.check().then(
        () => true,
        () => false,
      );
      expect(passes).toBe(!degraded);
    });
  });
}
