import { describe, expect, it } from '@jest/globals';
import { partitionOf } from './key-partition.js';

describe('partitionOf', () => {
  it('never moves a key: records already stored under it must stay in its partition', () => {
    expect(['', 'a', 'key_01', 'ключ'].map((key) => partitionOf(key, 12))).toEqual([2, 2, 4, 10]);
  });

  it('spreads keys over all partitions', () => {
    const counts = Array.from({ length: 12 }, () => 0);
    for (let i = 0; i < 12_000; i += 1) counts[partitionOf(`key-${i}`, 12)]! += 1;
    expect(Math.min(...counts)).toBeGreaterThan(800);
    expect(Math.max(...counts)).toBeLessThan(1200);
  });
});
