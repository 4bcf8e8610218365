import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { digestOf, hintOf } from './key-secret.js';

describe('what is kept of a secret', () => {
  it('is the SHA-256 of its UTF-8 bytes in lower-case hexadecimal digits', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(digestOf(text)).toBe(createHash('sha256').update(text, 'utf8').digest('hex'));
      }),
    );
  });

  it.each([
    [
      { first: 12, last: 4 },
      { start: 'lk_live_abcd', end: 'mnop' },
    ],
    [
      { first: 8, last: 0 },
      { start: 'lk_live_', end: '' },
    ],
    [
      { first: 0, last: 4 },
      { start: '', end: 'mnop' },
    ],
  ])('is a hint of as many first and last characters as %j says, and no others', (rules, hint) => {
    expect(hintOf('lk_live_abcdefghijklmnop', rules)).toEqual(hint);
  });
});
