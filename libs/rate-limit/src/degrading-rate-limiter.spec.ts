import { describe, expect, it } from '@jest/globals';
import { DegradingRateLimiter } from './degrading-rate-limiter.js';
import { onFakeClock } from './in-memory-limiter.contract.js';
import { InMemoryRateLimiter } from './in-memory-rate-limiter.js';
import { rateLimiterContract } from './rate-limiter.contract.js';
import { type Admission, type Demand, WINDOW_MS } from './rate-limiter.js';

class Interrupted extends InMemoryRateLimiter {
  away = false;

  override async consume(demands: readonly Demand[]): Promise<Admission[]> {
    await this.check();
    return super.consume(demands);
  }

  override async check(): Promise<void> {
    if (this.away) throw new Error('the store is away');
  }
}

function degrading({ away = false, liveVerifiers = 1 } = {}) {
  const told: unknown[] = [];
  const parts = { liveVerifiers, decidedAlone: 0, told };
  let shared: Interrupted | undefined;
  const { advance, limiter, timeMicros } = onFakeClock((nowMs) => {
    shared = new Interrupted(nowMs);
    shared.away = away;
    return new DegradingRateLimiter({
      shared,
      local: new InMemoryRateLimiter(nowMs),
      liveVerifiers: () => parts.liveVerifiers,
      nowMs,
      onAway: (error) => told.push(error instanceof Error ? error.message : error),
      onDegraded: (decisions) => (parts.decidedAlone += decisions),
    });
  });
  return Object.assign(parts, { limiter, advance, timeMicros, shared: shared as Interrupted });
}

describe('DegradingRateLimiter while the shared budgets answer', () => {
  rateLimiterContract(async () => degrading());
});

describe('DegradingRateLimiter of a verifier that is alone, while the shared budgets are away', () => {
  rateLimiterContract(async () => degrading({ away: true }), { degraded: true });
});

describe('DegradingRateLimiter', () => {
  const demand = { subject: 'a', limit: 10, cost: 1 };
  const ten = Array.from({ length: 10 }, () => demand);
  const admittedIn = (answers: readonly Admission[]) => answers.filter(({ admitted }) => admitted).length;

  it.each([
    [1, 10],
    [2, 5],
    [3, 4],
    [10, 1],
    [40, 1],
    [0, 10],
  ])('admits its part of the limit alone: of %d verifiers %d of 10', async (liveVerifiers, part) => {
    const { limiter } = degrading({ away: true, liveVerifiers });
    const answers = await limiter.consume(ten);
    expect(admittedIn(answers)).toBe(part);
    expect(answers.every(({ degraded, limit }) => degraded && limit === 10)).toBe(true);
    expect(answers.map(({ remaining }) => remaining)).toEqual(
      ten.map((_, index) => Math.max(0, part - index - 1)),
    );
  });

  it('goes by the number of verifiers that live at each moment', async () => {
    const parts = degrading({ away: true, liveVerifiers: 5 });
    expect(admittedIn(await parts.limiter.consume(ten))).toBe(2);
    parts.liveVerifiers = 2;
    expect(admittedIn(await parts.limiter.consume(ten))).toBe(3);
  });

  it('says of a cost above its part that it may fit later, and of one above the limit that it never does', async () => {
    const { limiter } = degrading({ away: true, liveVerifiers: 5 });
    const answers = await limiter.consume([
      { ...demand, cost: 3 },
      { ...demand, cost: 11 },
    ]);
    expect(answers).toMatchObject([
      { admitted: false, retryAfterMs: WINDOW_MS },
      { admitted: false, retryAfterMs: Infinity },
    ]);
  });

  it('asks the shared budgets again as soon as they answer, which know nothing of what was admitted alone', async () => {
    const { limiter, shared } = degrading({ liveVerifiers: 2 });
    await limiter.consume([demand, demand]);
    shared.away = true;
    expect(admittedIn(await limiter.consume(ten))).toBe(5);
    shared.away = false;
    const answers = await limiter.consume(ten);
    expect(answers.every(({ degraded }) => !degraded)).toBe(true);
    expect(admittedIn(answers)).toBe(8);
  });

  it('tells once that the shared budgets are away and once that they are steadily back', async () => {
    const { limiter, shared, advance, told } = degrading();
    await limiter.consume([demand]);
    expect(told).toEqual([]);
    for (let nodesInTurn = 0; nodesInTurn < 5; nodesInTurn += 1) {
      shared.away = true;
      await limiter.consume([demand]);
      shared.away = false;
      await limiter.consume([demand]);
      await advance(100);
    }
    expect(told).toEqual(['the store is away']);
    await advance(1000);
    await limiter.consume([demand]);
    await limiter.consume([demand]);
    expect(told).toEqual(['the store is away', undefined]);
    shared.away = true;
    await limiter.consume([demand]);
    expect(told).toEqual(['the store is away', undefined, 'the store is away']);
  });

  it('counts what it decided alone', async () => {
    const parts = degrading();
    await parts.limiter.consume(ten);
    expect(parts.decidedAlone).toBe(0);
    parts.shared.away = true;
    await parts.limiter.consume(ten);
    await parts.limiter.consume([demand]);
    expect(parts.decidedAlone).toBe(11);
  });
});
