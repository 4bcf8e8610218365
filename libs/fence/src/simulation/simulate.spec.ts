import type { HistoryRecord } from '../history/check-history.js';
import { Random } from './random.js';
import { REAL_PARTS, Run } from './run.js';
import type { Bias } from './scenario.js';
import { Script } from './script.js';
import { simulate } from './simulate.js';

/** Nothing fails, and nothing is slow. */
const CALM: Bias = {
  faults: [],
  network: { delayMsMax: 5, slow: 0, lost: 0, twice: 0 },
  slowStatement: 0,
};

/** By when every verifier has its first lease. */
const FIRST_LEASE_MS = 100;

function calmHistory(seed: number): HistoryRecord[] {
  const script = new Script(new Run(new Random(seed), REAL_PARTS, CALM));
  script.play();
  return script.history.filter(({ invokedAt }) => invokedAt > FIRST_LEASE_MS);
}

it('makes the same history of the same seed, and another of another', () => {
  const [one, again, other] = [7, 7, 8].map((seed) => simulate(seed).history);
  expect(again).toEqual(one);
  expect(other).not.toEqual(one);
});

it('holds its promises in some worlds, in which much is asked and revoked', () => {
  const runs = Array.from({ length: 50 }, (_, n) => simulate(n + 1));
  expect(runs.flatMap(({ violations }) => violations)).toEqual([]);
  const total = (of: 'revocations' | 'verifications') => runs.reduce((sum, run) => sum + run[of], 0);
  expect(total('revocations')).toBeGreaterThan(75);
  expect(total('verifications')).toBeGreaterThan(2500);
});

it('answers every verification, and has every restriction acknowledged, where nothing fails', () => {
  for (let seed = 1; seed <= 20; seed += 1) {
    for (const record of calmHistory(seed)) {
      if (record.type === 'verify') expect([seed, record]).not.toMatchObject([seed, { verdict: 'NONE' }]);
      if (record.type !== 'restrict' || record.committedAt === undefined) continue;
      // Replicas poll each 100 ms; the shortest lease is 400 ms.
      expect((record.enforcedAt ?? Number.NaN) - record.committedAt).toBeLessThan(300);
    }
  }
});
