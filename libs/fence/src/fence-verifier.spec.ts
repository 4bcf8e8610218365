import { FENCE_PROTOCOL_VERSION, type FenceEntry, type FenceKind } from './fence-entry.js';
import { CLOCK_RATE_ERROR, CLOCK_RESOLUTION_MS } from './fence-terms.js';
import { FenceVerifier, type Grant } from './fence-verifier.js';

const LEASE_MS = 1000;
/** What is left of a lease by the verifier's clock. */
const SERVING_MS = LEASE_MS * (1 - 2 * CLOCK_RATE_ERROR) - CLOCK_RESOLUTION_MS;
const EPOCH = 'epoch-1';
const TENANT = { id: 'acme', version: 1 };

function entry(seq: number, more: Partial<FenceEntry> = {}): FenceEntry {
  const entries = { kind: 'KEY', subject: `key-${seq}`, floorVersion: 2, terminal: false } as const;
  return { seq, profile: 'default', ...entries, ...more };
}

function grant(entries: readonly FenceEntry[], more: Partial<Grant> = {}): Grant {
  const head = entries.at(-1)?.seq ?? 0;
  return {
    protocolVersion: FENCE_PROTOCOL_VERSION,
    unknown: false,
    epoch: EPOCH,
    head,
    entries,
    upTo: more.head ?? head,
    hasMore: false,
    leaseMs: LEASE_MS,
    authorityTimeMs: 5_000_000,
    ...more,
  };
}

/** A registered verifier that notes what it is told to forget. */
function newVerifier({ serveStaleMs = 0 } = {}) {
  const evicted: string[] = [];
  const memory = {
    evict: ({ subject }: FenceEntry) => evicted.push(subject),
    clear: () => evicted.push('*'),
  };
  const verifier = new FenceVerifier(serveStaleMs, memory);
  verifier.registered({ protocolVersion: FENCE_PROTOCOL_VERSION, epoch: EPOCH });
  evicted.length = 0;
  return { verifier, evicted };
}

/** One that was leased at 0 with these entries. */
function newLeased(entries: readonly FenceEntry[] = [], options: { serveStaleMs?: number } = {}) {
  const made = newVerifier(options);
  expect(made.verifier.granted(grant(entries), made.verifier.renewing(0))).toBe('leased');
  return made;
}

function standingOf(verifier: FenceVerifier, nowMs: number, version = 1, keyId = '1') {
  return verifier.standing({ id: keyId, version }, TENANT, nowMs);
}

describe('I1: a lease comes only from a grant, with its entries applied', () => {
  it('has none before the first grant, neither new nor registered', () => {
    const verifier = new FenceVerifier(0, { evict() {}, clear() {} });
    expect(standingOf(verifier, 0)).toBe('lapsed');
    verifier.registered({ protocolVersion: FENCE_PROTOCOL_VERSION, epoch: EPOCH });
    expect(standingOf(verifier, 0)).toBe('lapsed');
    expect(verifier.leaseLeftMs(0)).toBeLessThanOrEqual(0);
  });

  it('tells memory of every entry before the grant is taken', () => {
    const { verifier, evicted } = newLeased([entry(1), entry(2, { kind: 'HINT', subject: 'secret-x' })]);
    expect(evicted).toEqual(['key-1', 'secret-x']);
    expect(standingOf(verifier, 0)).toBe('key_too_old');
  });

  it('takes the entries of a grant that has more, and no lease', () => {
    const { verifier } = newVerifier();
    const first = grant([entry(1)], { head: 2, upTo: 1, hasMore: true });
    expect(verifier.granted(first, verifier.renewing(0))).toBe('more');
    expect(verifier.applied).toBe(1);
    expect(standingOf(verifier, 0)).toBe('lapsed');
    expect(verifier.granted(grant([entry(2)]), verifier.renewing(10))).toBe('leased');
    expect(standingOf(verifier, 10)).toBe('key_too_old');
  });

  it('counts from when the renewal was sent, not from when its answer came', () => {
    const { verifier } = newLeased();
    expect(standingOf(verifier, SERVING_MS - 0.001)).toBe('current');
    expect(standingOf(verifier, SERVING_MS)).toBe('lapsed');
  });

  it('is not shortened by the late answer to an earlier renewal', () => {
    const { verifier } = newVerifier();
    const [early, late] = [verifier.renewing(0), verifier.renewing(400)];
    verifier.granted(grant([]), late);
    verifier.granted(grant([]), early);
    expect(verifier.leaseLeftMs(400)).toBeCloseTo(SERVING_MS);
    expect(standingOf(verifier, SERVING_MS + 1)).toBe('current');
  });

  it('refuses when it is not told a time', () => {
    const { verifier } = newLeased();
    expect(standingOf(verifier, Number.NaN)).toBe('lapsed');
    verifier.granted(grant([], { leaseMs: Number.NaN }), verifier.renewing(1));
    expect(standingOf(verifier, 10 * LEASE_MS)).toBe('lapsed');
  });

  it('takes nothing from the answer to a renewal of an earlier incarnation', () => {
    const { verifier } = newLeased([entry(1)]);
    const earlier = verifier.renewing(10);
    verifier.registered({ protocolVersion: FENCE_PROTOCOL_VERSION, epoch: EPOCH });
    // It carries what came after entry 1, which this incarnation does not have.
    expect(verifier.granted(grant([entry(2)]), earlier)).toBe('stale');
    expect(verifier.applied).toBe(0);
    expect(standingOf(verifier, 20)).toBe('lapsed');
  });

  it('is not abandoned for the answer to a renewal of an earlier incarnation', () => {
    const { verifier } = newVerifier();
    const earlier = verifier.renewing(0);
    verifier.registered({ protocolVersion: FENCE_PROTOCOL_VERSION, epoch: EPOCH });
    verifier.granted(grant([]), verifier.renewing(10));
    expect(verifier.granted(grant([], { unknown: true }), earlier)).toBe('stale');
    expect(standingOf(verifier, 20)).toBe('current');
  });
});

describe('I2: applied and floors only rise within an incarnation', () => {
  it('keeps a higher floor and a higher applied when older entries come again', () => {
    const newer = entry(2, { subject: 'key-1', floorVersion: 5 });
    const { verifier } = newLeased([entry(1), newer]);
    verifier.granted(grant([entry(1)], { head: 2, upTo: 1 }), { ...verifier.renewing(1), applied: 0 });
    verifier.pushed(EPOCH, [entry(1)]);
    expect(verifier.applied).toBe(2);
    expect(standingOf(verifier, 2, 4)).toBe('key_too_old');
    expect(standingOf(verifier, 2, 5)).toBe('current');
  });

  it('keeps a revoked key revoked whatever entry comes later', () => {
    const revoked = entry(1, { terminal: true });
    const { verifier } = newLeased([revoked, entry(2, { subject: 'key-1', kind: 'HINT', floorVersion: 9 })]);
    expect(standingOf(verifier, 0, 99)).toBe('revoked');
  });

  it('keeps its incarnation when a push overtakes the answer to a renewal', () => {
    const { verifier } = newLeased([entry(1)]);
    const renewal = verifier.renewing(100);
    verifier.pushed(EPOCH, [entry(2)]);
    expect(verifier.granted(grant([], { head: 1 }), renewal)).toBe('leased');
    expect(verifier.applied).toBe(2);
    expect(standingOf(verifier, 100, 1, '2')).toBe('key_too_old');
    expect(verifier.leaseLeftMs(100)).toBeCloseTo(SERVING_MS);
  });

  it.each([
    ['is unknown to the authority', { unknown: true }],
    ['meets another epoch', { epoch: 'epoch-2' }],
    ['has applied more than the log holds', { head: 0 }],
  ])('begins anew, with nothing remembered, when it %s', (_, more) => {
    const { verifier, evicted } = newLeased([entry(1)]);
    expect(verifier.granted(grant([], { head: 1, ...more }), verifier.renewing(1))).toBe('register');
    expect(verifier).toMatchObject({ applied: 0, registeredEpoch: undefined });
    expect(evicted.at(-1)).toBe('*');
    expect(standingOf(verifier, 2)).toBe('lapsed');
    expect(verifier.granted(grant([entry(1)]), verifier.renewing(3))).toBe('register');
  });
});

it('judges nothing by the floors of an earlier incarnation: after a restore versions begin lower', () => {
  const { verifier } = newLeased([entry(1, { floorVersion: 9 })]);
  verifier.registered({ protocolVersion: FENCE_PROTOCOL_VERSION, epoch: 'epoch-2' });
  verifier.granted(grant([], { epoch: 'epoch-2' }), verifier.renewing(1));
  expect(standingOf(verifier, 1, 2)).toBe('current');
});

describe('I3: what may be acknowledged is applied', () => {
  it('applies pushes in order, and what it has already only once', () => {
    const { verifier, evicted } = newLeased([entry(1)]);
    expect(verifier.pushed(EPOCH, [entry(1), entry(2), entry(3)])).toBe(true);
    expect(verifier.applied).toBe(3);
    expect(evicted).toEqual(['key-1', 'key-2', 'key-3']);
    expect(standingOf(verifier, 1, 1, '3')).toBe('key_too_old');
  });

  it('applies no push behind a gap', () => {
    const { verifier } = newLeased([entry(1)]);
    expect(verifier.pushed(EPOCH, [entry(2), entry(4)])).toBe(false);
    expect(verifier.applied).toBe(2);
    expect(standingOf(verifier, 1, 1, '4')).toBe('current');
  });

  it('takes no push of another epoch, nor any while it is not registered', () => {
    const { verifier } = newLeased();
    expect(verifier.pushed('epoch-2', [entry(1)])).toBe(false);
    verifier.abandon();
    expect(verifier.pushed(EPOCH, [entry(1)])).toBe(false);
    expect(verifier.applied).toBe(0);
  });

  it('takes no lease by a push', () => {
    const { verifier } = newVerifier();
    expect(verifier.pushed(EPOCH, [entry(1)])).toBe(true);
    expect(standingOf(verifier, 0, 9)).toBe('lapsed');
  });
});

describe('I5: an answer needs a lease and versions that no floor is above', () => {
  it("compares a tenant's floor with the tenant's version alone, and a key's with the key's", () => {
    const suspended = entry(1, { kind: 'TENANT', subject: 'tenant-acme', floorVersion: 7 });
    const { verifier } = newLeased([suspended, entry(2, { subject: 'key-acme', floorVersion: 3 })]);
    const standing = (key: number, tenant: number) =>
      verifier.standing({ id: 'acme', version: key }, { id: 'acme', version: tenant }, 0);
    expect(standing(3, 7)).toBe('current');
    expect(standing(99, 6)).toBe('tenant_too_old');
    expect(standing(2, 99)).toBe('key_too_old');
  });

  it.each<FenceKind>(['KEY', 'TENANT', 'HINT'])('raises a floor for a %s', (kind) => {
    const { verifier } = newLeased([entry(1, { kind })]);
    expect(standingOf(verifier, 0, 1)).toBe('key_too_old');
    expect(standingOf(verifier, 0, 2)).toBe('current');
  });

  it('says that it lapsed before it says anything about the key', () => {
    const { verifier } = newLeased([entry(1, { terminal: true })]);
    expect(standingOf(verifier, SERVING_MS)).toBe('lapsed');
  });

  it('flags what it serves beyond the lease, as long as it may, and then ends', () => {
    const serveStaleMs = 6 * LEASE_MS;
    const { verifier } = newLeased([], { serveStaleMs });
    const endMs = 7 * LEASE_MS * (1 - 2 * CLOCK_RATE_ERROR) - CLOCK_RESOLUTION_MS;
    expect(standingOf(verifier, SERVING_MS - 1)).toBe('current');
    expect(standingOf(verifier, SERVING_MS)).toBe('degraded');
    expect(standingOf(verifier, endMs - 1)).toBe('degraded');
    expect(standingOf(verifier, endMs)).toBe('lapsed');
  });
});

describe('its own refusals', () => {
  it('uses no record older than the one that it refused by, before the entry arrives', () => {
    const { verifier } = newLeased();
    verifier.refusedBy('key-1', 4);
    verifier.refusedBy('tenant-acme', 3);
    const standing = (key: number, tenant: number) =>
      verifier.standing({ id: '1', version: key }, { id: 'acme', version: tenant }, 0);
    expect(standing(3, 3)).toBe('key_too_old');
    expect(standing(4, 2)).toBe('tenant_too_old');
    expect(standing(4, 3)).toBe('current');
    expect(verifier.applied).toBe(0);
  });

  it('does not lower a floor by them', () => {
    const { verifier } = newLeased([entry(1, { floorVersion: 9 })]);
    verifier.refusedBy('key-1', 4);
    expect(standingOf(verifier, 0, 8)).toBe('key_too_old');
  });
});

describe('a clock that stood still', () => {
  it('ends the lease until a renewal that is sent later', () => {
    const { verifier } = newLeased();
    verifier.suspended();
    expect(standingOf(verifier, 1)).toBe('lapsed');
    expect(verifier.granted(grant([]), verifier.renewing(2))).toBe('leased');
    expect(standingOf(verifier, 2)).toBe('current');
  });

  it('takes no lease from a renewal that was sent before it stood still', () => {
    const { verifier } = newLeased();
    const before = verifier.renewing(1);
    verifier.suspended();
    expect(verifier.granted(grant([entry(1)]), before)).toBe('stale');
    expect(standingOf(verifier, 2)).toBe('lapsed');
  });

  it('is forgotten with how long answers were fresh', () => {
    const { verifier } = newLeased([], { serveStaleMs: LEASE_MS });
    verifier.suspended();
    verifier.granted(grant([], { leaseMs: LEASE_MS / 10 }), verifier.renewing(0));
    expect(standingOf(verifier, LEASE_MS / 2)).toBe('degraded');
  });

  it('keeps the incarnation and what it applied', () => {
    const { verifier } = newLeased([entry(1)]);
    verifier.suspended();
    expect(verifier).toMatchObject({ applied: 1, registeredEpoch: EPOCH });
    expect(verifier.pushed(EPOCH, [entry(2)])).toBe(true);
  });
});

describe('a newer authority', () => {
  const unheardOf = entry(1, { kind: 'PROFILE' as FenceKind });

  it('is given no registration and no renewal by a version that it does not speak', () => {
    const { verifier } = newLeased();
    const protocolVersion = FENCE_PROTOCOL_VERSION + 1;
    expect(verifier.granted(grant([], { protocolVersion }), verifier.renewing(1))).toBe('incompatible');
    expect(standingOf(verifier, 2)).toBe('lapsed');
    expect(verifier.registered({ protocolVersion, epoch: EPOCH })).toBe(false);
    expect(verifier.registeredEpoch).toBeUndefined();
  });

  it('is not believed past an entry of a kind that is unknown', () => {
    const { verifier } = newLeased();
    expect(verifier.pushed(EPOCH, [unheardOf])).toBe(false);
    expect(verifier.applied).toBe(0);
    expect(verifier.granted(grant([unheardOf]), verifier.renewing(1))).toBe('incompatible');
    expect(standingOf(verifier, 2)).toBe('lapsed');
  });
});

it('tells a time never behind the authority, nor ahead of it by more than the round trip of a renewal', () => {
  const { verifier } = newVerifier();
  expect(verifier.authorityTimeMs(0)).toBeUndefined();
  const renewal = verifier.renewing(100);
  verifier.granted(grant([], { authorityTimeMs: 9000 }), renewal);
  // It was 9000 somewhere between 100 and the answer: at 130 it is between 9000 and 9030.
  expect(verifier.authorityTimeMs(130)).toBe(9030);
});
