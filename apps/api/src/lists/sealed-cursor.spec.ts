import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { CursorSeal } from './sealed-cursor.js';

const seal = new CursorSeal('a-secret-of-the-api');
const list = fc.array(fc.string(), { maxLength: 4 });

describe('a sealed cursor', () => {
  it('opens for its own list, and gives back its place', () => {
    fc.assert(
      fc.property(list, fc.string(), (own, place) => {
        expect(seal.open(own, seal.seal(own, place))).toBe(place);
      }),
    );
  });

  it('does not open for another list, nor under another secret', () => {
    fc.assert(
      fc.property(list, list, fc.string(), (own, other, place) => {
        fc.pre(JSON.stringify(own) !== JSON.stringify(other));
        const cursor = seal.seal(own, place);
        expect(seal.open(other, cursor)).toBeUndefined();
        expect(new CursorSeal('another-secret-of-it').open(own, cursor)).toBeUndefined();
      }),
    );
  });

  it('does not open with any character changed, left out or added', () => {
    const cursor = seal.seal(['acme'], '42');
    expect(cursor.length).toBeGreaterThan(30);
    for (let at = 0; at < cursor.length; at += 1) {
      const other = cursor[at] === 'A' ? 'B' : 'A';
      const [before, behind] = [cursor.slice(0, at), cursor.slice(at + 1)];
      for (const changed of [before + other + behind, before + behind, `${before}A${cursor.slice(at)}`]) {
        if (changed !== cursor) expect(seal.open(['acme'], changed)).toBeUndefined();
      }
    }
  });

  it('tells nothing of its place, and is another each time', () => {
    const cursors = Array.from({ length: 20 }, () => seal.seal(['acme'], 'position-4711'));
    expect(new Set(cursors).size).toBe(20);
    for (const cursor of cursors) {
      expect(Buffer.from(cursor, 'base64url').toString('latin1')).not.toContain('4711');
      expect(cursor).toMatch(/^[A-Za-z0-9_-]+$/);
    }
  });
});
