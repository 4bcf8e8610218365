import {
  FenceAuthority,
  GRANT_ENTRIES_MAX,
  grantOf,
  type LeaseRow,
  type Restriction,
} from './fence-authority.js';
import type { FenceEntry } from './fence-entry.js';
import { outlivesMs } from './fence-terms.js';

const LEASE_MS = 1000;
const OUTLIVES_MS = outlivesMs({ leaseMs: LEASE_MS, serveStaleMs: 0 });

function row(verifierId: string, acked: number, more: Partial<LeaseRow> = {}): LeaseRow {
  const profiles = ['default'];
  return { verifierId, incarnation: 'i', profiles, acked, renewals: 1, serveStaleMs: 0, ...more };
}

function restriction(more: Partial<Restriction> = {}): Restriction {
  const committed = { seq: 5, profile: 'default', committedAtMs: 100 };
  return { ...committed, outlivesMs: OUTLIVES_MS, acksSuffice: true, ...more };
}

/** What is enforced by rows that were read right after the commit. */
function enforcedBy(wait: Restriction, ...rows: LeaseRow[]) {
  const authority = new FenceAuthority();
  const id = authority.wait(wait);
  const reading = { rows, leaseMs: LEASE_MS, readFromMs: wait.committedAtMs };
  return authority.observed(reading, wait.committedAtMs + 7).enforced.get(id);
}

describe('I6: a restriction is enforced when every incarnation acknowledged it, or no earlier lease is left', () => {
  it('is by acknowledgements of all, and says how long that took', () => {
    expect(enforcedBy(restriction(), row('a', 5), row('b', 6))).toEqual({
      via: 'acks',
      waitedMs: 7,
      verifiers: { acked: 2, expired: 0 },
    });
  });

  it('is at once where there is no verifier', () => {
    expect(enforcedBy(restriction())).toMatchObject({ via: 'acks', verifiers: { acked: 0, expired: 0 } });
  });

  it('is not while one incarnation is silent, even where another of the same verifier is not', () => {
    const rows = [row('a', 9, { incarnation: 'new' }), row('a', 4, { incarnation: 'old' })];
    expect(enforcedBy(restriction(), ...rows)).toBeUndefined();
  });

  it('waits for those alone that answer for its profile, and for all where it has none', () => {
    const other = row('b', 0, { profiles: ['other'] });
    expect(enforcedBy(restriction(), row('a', 5), other)).toMatchObject({ verifiers: { acked: 1 } });
    expect(enforcedBy(restriction({ profile: null }), row('a', 5), other)).toBeUndefined();
  });

  it('is not by rows that were read before it was committed', () => {
    const authority = new FenceAuthority();
    const id = authority.wait(restriction({ committedAtMs: 100 }));
    const read = (readFromMs: number) => authority.observed({ rows: [], leaseMs: LEASE_MS, readFromMs }, 120);
    expect(read(99).enforced.has(id)).toBe(false);
    expect(read(100).enforced.has(id)).toBe(true);
  });

  it('is not by acknowledgements while leases of an earlier epoch may be about', () => {
    expect(enforcedBy(restriction({ acksSuffice: false }), row('a', 5))).toBeUndefined();
  });

  it('is not by acknowledgements once the epoch is another one, and then waits for the longer leases', () => {
    const authority = new FenceAuthority();
    const id = authority.wait(restriction());
    authority.distrustAcks(id, OUTLIVES_MS + 50);
    authority.distrustAcks(id, OUTLIVES_MS);
    expect(authority.observed({ rows: [], leaseMs: LEASE_MS, readFromMs: 200 }, 200).enforced.size).toBe(0);
    expect(authority.elapsed(100 + OUTLIVES_MS + 49).size).toBe(0);
    expect(authority.elapsed(100 + OUTLIVES_MS + 50).get(id)).toMatchObject({ via: 'lease_expiry' });
  });

  it('is when its time is over, and not a moment before, counted from its commit', () => {
    const authority = new FenceAuthority();
    const [id, later] = [100, 101].map((committedAtMs) => authority.wait(restriction({ committedAtMs })));
    expect(authority.elapsed(100 + OUTLIVES_MS - 0.001).size).toBe(0);
    expect([...authority.elapsed(100 + OUTLIVES_MS)]).toEqual([
      [id, { via: 'lease_expiry', waitedMs: OUTLIVES_MS, verifiers: { acked: 0, expired: 0 } }],
    ]);
    expect([...authority.elapsed(101 + OUTLIVES_MS).keys()]).toEqual([later]);
    expect(authority.waitingCount).toBe(0);
  });

  it('counts who acknowledged, and who was silent to the end or given up', () => {
    const authority = new FenceAuthority();
    authority.wait(restriction());
    authority.wait(restriction({ seq: 6 }));
    const reading = (...rows: LeaseRow[]) => ({ rows, leaseMs: LEASE_MS, readFromMs: 100 });
    authority.observed(reading(row('a', 4), row('b', 5), row('c', 4), row('d', 4)), 101);
    const { enforced } = authority.observed(reading(row('a', 5), row('b', 5), row('c', 5)), 102);
    expect([...enforced.values()]).toMatchObject([{ via: 'acks', verifiers: { acked: 3, expired: 1 } }]);
    authority.observed(reading(row('a', 6), row('b', 5)), 103);
    const [elapsed] = authority.elapsed(100 + OUTLIVES_MS).values();
    expect(elapsed).toMatchObject({ via: 'lease_expiry', verifiers: { acked: 1, expired: 3 } });
  });

  it('tells each once, and none that nobody asks for any more', () => {
    const authority = new FenceAuthority();
    const [first, second] = [authority.wait(restriction()), authority.wait(restriction())];
    authority.forget(first);
    const reading = { rows: [], leaseMs: LEASE_MS, readFromMs: 100 };
    expect([...authority.observed(reading, 101).enforced.keys()]).toEqual([second]);
    expect(authority.observed(reading, 102).enforced.size).toBe(0);
    expect(authority.elapsed(1e9).size).toBe(0);
  });
});

describe('I7: an incarnation is given up only after its lease without a renewal', () => {
  const given = (authority: FenceAuthority, rows: LeaseRow[], nowMs: number, readFromMs = nowMs) =>
    authority.observed({ rows, leaseMs: LEASE_MS, readFromMs }, nowMs).toGiveUp;

  it('is when it was seen with the same renewals for as long as its lease lasts', () => {
    const authority = new FenceAuthority();
    const silent = row('a', 0);
    expect(given(authority, [silent], 1000)).toEqual([]);
    expect(given(authority, [silent], 1000 + OUTLIVES_MS - 0.001)).toEqual([]);
    expect(given(authority, [silent], 1000 + OUTLIVES_MS)).toEqual([silent]);
  });

  it('is not when it renewed, acknowledged or not', () => {
    const authority = new FenceAuthority();
    given(authority, [row('a', 0)], 1000);
    given(authority, [row('a', 0, { renewals: 2 })], 1500);
    expect(given(authority, [row('a', 9, { renewals: 2 })], 1000 + OUTLIVES_MS)).toEqual([]);
    expect(given(authority, [row('a', 9, { renewals: 2 })], 1500 + OUTLIVES_MS)).toHaveLength(1);
  });

  it('is not when its renewals are others, even fewer, as after a failover', () => {
    const authority = new FenceAuthority();
    given(authority, [row('a', 0, { renewals: 2 })], 1000);
    expect(given(authority, [row('a', 0, { renewals: 1 })], 1000 + OUTLIVES_MS)).toEqual([]);
  });

  it('is given the time that it may serve beyond its lease too', () => {
    const authority = new FenceAuthority();
    const stale = row('a', 0, { serveStaleMs: 6 * LEASE_MS });
    given(authority, [stale], 0);
    const endMs = outlivesMs({ leaseMs: LEASE_MS, serveStaleMs: 6 * LEASE_MS });
    expect(given(authority, [stale], endMs - 1)).toEqual([]);
    expect(given(authority, [stale], endMs)).toEqual([stale]);
  });

  it('is given the time of the longest lease there may be, as read with its row', () => {
    const authority = new FenceAuthority();
    given(authority, [row('a', 0)], 0);
    const reading = { rows: [row('a', 0)], leaseMs: 5 * LEASE_MS, readFromMs: 2 * OUTLIVES_MS };
    expect(authority.observed(reading, 2 * OUTLIVES_MS).toGiveUp).toEqual([]);
  });

  it('is not counted from before the rows were known, nor up to after they were read', () => {
    const authority = new FenceAuthority();
    given(authority, [row('a', 0)], 1000, 0);
    expect(given(authority, [row('a', 0)], 5000, 999 + OUTLIVES_MS)).toEqual([]);
    expect(given(authority, [row('a', 0)], 5000, 1000 + OUTLIVES_MS)).toHaveLength(1);
  });

  it('is not counted over a time in which it was not there', () => {
    const authority = new FenceAuthority();
    given(authority, [row('a', 0)], 0);
    given(authority, [], 500);
    expect(given(authority, [row('a', 0)], OUTLIVES_MS)).toEqual([]);
  });

  it('is told from another incarnation of the same verifier', () => {
    const authority = new FenceAuthority();
    given(authority, [row('a', 0, { incarnation: 'old' })], 0);
    const both = [row('a', 0, { incarnation: 'old' }), row('a', 0, { incarnation: 'new' })];
    expect(given(authority, both, OUTLIVES_MS)).toEqual([both[0]]);
  });
});

describe('I4: a grant carries every entry after what was applied', () => {
  const terms = { epoch: 'e', leaseMs: LEASE_MS, authorityTimeMs: 1 };
  const entries = Array.from({ length: GRANT_ENTRIES_MAX + 1 }, (_, n): FenceEntry => {
    const what = { kind: 'KEY', subject: `key-${n}`, floorVersion: 2, terminal: false } as const;
    return { seq: 10 + n, profile: 'default', ...what };
  });

  it('goes up to the head, also where the last entries were replaced and left out', () => {
    const grant = grantOf({}, { ...terms, head: 9999 }, entries.slice(0, GRANT_ENTRIES_MAX));
    expect(grant).toMatchObject({ ...terms, unknown: false, hasMore: false, head: 9999, upTo: 9999 });
    expect(grant.entries).toHaveLength(GRANT_ENTRIES_MAX);
  });

  it('goes up to its last entry where there are more, so that none is passed over', () => {
    const grant = grantOf({}, { ...terms, head: 9999 }, entries);
    expect(grant).toMatchObject({ hasMore: true, upTo: 10 + GRANT_ENTRIES_MAX - 1 });
    expect(grant.entries.at(-1)?.seq).toBe(grant.upTo);
  });

  it('tells an incarnation that is not known nothing but that', () => {
    expect(grantOf(undefined, { ...terms, head: 9999 }, entries)).toMatchObject({
      unknown: true,
      entries: [],
    });
  });
});
