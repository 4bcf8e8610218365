import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { coalesced } from './coalesced.js';

/** Answers each question by its double when it is told to, or never. */
function scriptedStore(questionsMax = 100) {
  const requests: { questions: number[]; answer: () => void; fail: () => void }[] = [];
  const ask = coalesced<number, number>(
    (questions) =>
      new Promise((resolve, reject) => {
        requests.push({
          questions,
          answer: () => resolve(questions.map((question) => 2 * question)),
          fail: () => reject(new Error('the store is away')),
        });
      }),
    questionsMax,
  );
  return { requests, ask, asked: () => requests.map(({ questions }) => questions) };
}

describe('coalesced', () => {
  it('asks once for all who ask in one turn, and answers each its own', async () => {
    const { requests, ask, asked } = scriptedStore();
    const answers = Promise.all([ask([1, 2]), ask([]), ask([3])]);
    await nextTurn();
    expect(asked()).toEqual([[1, 2, 3]]);
    requests[0]?.answer();
    expect(await answers).toEqual([[2, 4], [], [6]]);
  });

  it('asks next for all who ask while a request is on its way, those it answers included', async () => {
    const { requests, ask, asked } = scriptedStore();
    const first = Promise.all([ask([1]).then(() => ask([10])), ask([2]).then(() => ask([20]))]);
    await nextTurn();
    void ask([3]);
    await nextTurn();
    expect(asked()).toEqual([[1, 2]]);
    requests[0]?.answer();
    await nextTurn();
    expect(asked()).toEqual([
      [1, 2],
      [3, 10, 20],
    ]);
    requests[1]?.answer();
    expect(await first).toEqual([[20], [40]]);
  });

  it('does not wait with as many questions as a request is to hold', async () => {
    const { ask, asked } = scriptedStore(3);
    void ask([1]);
    await nextTurn();
    void ask([2]);
    void ask([3]);
    expect(asked()).toEqual([[1]]);
    void ask([4, 5]);
    expect(asked()).toEqual([[1], [2, 3, 4, 5]]);
  });

  it('rejects only those whose request failed, and asks on', async () => {
    const { requests, ask } = scriptedStore();
    const lost = Promise.allSettled([ask([1]), ask([2])]);
    await nextTurn();
    const kept = ask([3]);
    requests[0]?.fail();
    expect((await lost).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await nextTurn();
    requests[1]?.answer();
    expect(await kept).toEqual([6]);
  });
});
