import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { shareOf } from './partition-share.js';

describe('shareOf', () => {
  it('hands out every partition, and to nobody two more than to another', () => {
    const members = fc.uniqueArray(fc.nat(), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(members, fc.nat(50), (pids, partitions) => {
        const shares = pids.map((pid) => shareOf(pid, pids, partitions));
        expect(shares.reduce((sum, share) => sum + share, 0)).toBe(partitions);
        expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('gives nothing to who is no member', () => {
    expect(shareOf(3, [1, 2], 8)).toBe(0);
  });
});
