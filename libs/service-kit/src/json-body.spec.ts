import { describe, expect, it } from '@jest/globals';
import { jsonProblem } from './json-body.js';

function nested(levels: number): unknown {
  return JSON.parse('[{"a":'.repeat(levels / 2) + '1' + '}]'.repeat(levels / 2));
}

describe('jsonProblem', () => {
  it('takes 32 levels of arrays and objects, and no more', () => {
    expect(jsonProblem(nested(32))).toBeUndefined();
    expect(jsonProblem([nested(32)])).toBe('must not be nested deeper than 32 levels');
  });

  it('answers for a body of any depth', () => {
    expect(jsonProblem(nested(200_000))).toBe('must not be nested deeper than 32 levels');
  });

  it.each(['constructor', 'prototype', '__proto__', 'toString', 'hasOwnProperty'])(
    'refuses the name %s at any level',
    (name) => {
      expect(jsonProblem(JSON.parse(`{"a":[{"${name}":1}]}`))).toBe(`must not have the name "${name}"`);
    },
  );

  it('takes whatever is not an object, but no null alone: who has no body leaves it out', () => {
    expect([undefined, 0, '', 'constructor', true].map(jsonProblem)).toEqual(Array(5).fill(undefined));
    expect(jsonProblem([null])).toBeUndefined();
    expect(jsonProblem(null)).toBe('must not be null');
  });
});
