import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { BoundedMap } from './bounded-map.js';

const operations = fc.array(
  fc.record({ kind: fc.constantFrom('get', 'set', 'delete'), key: fc.nat(9), value: fc.integer() }),
  { maxLength: 200 },
);

describe('a bounded map', () => {
  it('never holds more than its capacity and never gives back an old value', () => {
    fc.assert(
      fc.property(operations, fc.integer({ min: 2, max: 8 }), (all, capacity) => {
        const bounded = new BoundedMap<number, number>(capacity);
        const model = new Map<number, number>();
        const wrong: unknown[] = [];
        for (const { kind, key, value } of all) {
          if (kind === 'set') {
            bounded.set(key, value);
            model.set(key, value);
          } else if (kind === 'delete') {
            bounded.delete(key);
            model.delete(key);
          } else {
            const found = bounded.get(key);
            if (found !== undefined && found !== model.get(key)) wrong.push({ key, found });
          }
          if (bounded.size > capacity) wrong.push({ size: bounded.size });
        }
        expect(wrong).toEqual([]);
      }),
    );
  });

  it('keeps at least the half of its capacity that was used last', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20), { minLength: 1 }), fc.integer({ min: 1, max: 5 }), (keys, half) => {
        const bounded = new BoundedMap<number, number>(half * 2);
        for (const key of keys) {
          if (bounded.get(key) === undefined) bounded.set(key, key);
        }
        const lastUsed = [...new Set(keys.toReversed())].slice(0, half);
        expect(lastUsed.map((key) => bounded.get(key))).toEqual(lastUsed);
      }),
    );
  });
});
