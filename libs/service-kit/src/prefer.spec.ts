import { describe, expect, it } from '@jest/globals';
import { preferredWaitOf } from './prefer.js';

describe('what a request prefers', () => {
  it.each<[string | string[] | undefined, number | undefined, string | undefined]>([
    [undefined, undefined, undefined],
    ['', undefined, undefined],
    ['return=minimal', undefined, undefined],
    ['respond-async', 0, 'respond-async'],
    ['Respond-Async', 0, 'respond-async'],
    ['wait=5', 5, 'wait=5'],
    ['wait = "5"', 5, 'wait=5'],
    ['respond-async, wait=10', 10, 'wait=10'],
    ['wait=10; foo=bar, respond-async', 10, 'wait=10'],
    [['respond-async', 'wait=3'], 3, 'wait=3'],
    ['wait=9999999999', 2_147_483, 'wait=9999999999'],
    ['wait=-1', undefined, undefined],
    ['wait=soon, respond-async', 0, 'respond-async'],
  ])('%j is read as %j', (header, seconds, applied) => {
    expect(preferredWaitOf(header)).toEqual(seconds === undefined ? undefined : { seconds, applied });
  });
});
