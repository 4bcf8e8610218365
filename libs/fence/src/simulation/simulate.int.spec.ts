/**
 * Needs no server, and too long for the quick loop. `npm run simulate` plays as many worlds as one likes; what each
 * mistake took is printed by `npm run simulate -- --mistakes`.
 */
import { MISTAKES, type MistakeName } from './mistakes.js';
import { simulate } from './simulate.js';

const SEEDS = 3000;
/** Few mistakes take more than a hundred. */
const SEEDS_OF_A_MISTAKE_MAX = 2000;

it(`holds its promises in ${SEEDS} worlds`, () => {
  const failing = [];
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    if (simulate(seed).violations.length > 0) failing.push(seed);
  }
  expect(failing).toEqual([]);
}, 300_000);

it.each(Object.keys(MISTAKES) as MistakeName[])(
  'finds the mistake %s',
  (mistake) => {
    let seed = 1;
    while (seed <= SEEDS_OF_A_MISTAKE_MAX && simulate(seed, mistake).violations.length === 0) seed += 1;
    expect(seed).toBeLessThanOrEqual(SEEDS_OF_A_MISTAKE_MAX);
  },
  300_000,
);
