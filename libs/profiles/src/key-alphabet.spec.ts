import { describe, expect, it } from '@jest/globals';
import { alphabetOf, alphabetProblems } from './key-alphabet.js';

describe('an alphabet', () => {
  it.each([
    ['0-9a-f', '0123456789abcdef'],
    ['x', 'x'],
    ['a-cX-Z7', 'abcXYZ7'],
    ['b-b', 'b'],
  ])('%s is %s', (ranges, characters) => {
    expect(alphabetOf(ranges)).toBe(characters);
    expect(alphabetProblems(ranges)).toEqual([]);
  });

  it.each([
    ['z-a', ['has a range that does not go up among digits or letters of one case: z-a']],
    ['0-z', ['has a range that does not go up among digits or letters of one case: 0-z']],
    ['A-z', ['has a range that does not go up among digits or letters of one case: A-z']],
    ['a-cb', ['names twice: b']],
    ['9-0aa', ['has a range that does not go up among digits or letters of one case: 9-0', 'names twice: a']],
  ])('%s is refused', (ranges, problems) => {
    expect(alphabetProblems(ranges)).toEqual(problems);
  });
});
