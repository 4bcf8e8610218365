import { describe, expect, it } from '@jest/globals';
import { keyDecider } from './key.decider.js';
import {
  after,
  ceiling,
  command,
  createKey,
  created,
  decided,
  fold,
  HOUR,
  NOW,
  revoked,
  rotated,
  rotateKey,
} from './key-examples.contract.js';

const states = (given: Parameters<typeof fold>[0], when: Parameters<typeof after>[1]) =>
  after(given, when).secrets.map(({ state, validUntilMs }) => [state, validUntilMs]);

describe('creating a key', () => {
  it('is a fact with all that was wished, and the time', () => {
    const { type: _, nowMs, ceiling: __, ...described } = createKey();
    expect(decided([], createKey())).toEqual([
      { type: 'KeyCreated', data: { ...described, createdAtMs: nowMs } },
    ]);
  });

  it.each([NOW, NOW - 1])('refuses an expiry that is not in the future', (expiresAtMs) => {
    expect(decided([], createKey({ expiresAtMs }))).toBe('INVALID_REQUEST');
    expect(
      decided([], command('ImportKey', { ...createKey({ expiresAtMs }), attestedEntropyBits: 128 })),
    ).toBe('INVALID_REQUEST');
  });

  it('has nothing left to do when the same wish was stored before', () => {
    expect(decided([created()], createKey())).toEqual([]);
    expect(decided([created()], createKey({ digest: 'another' }))).toBe('CONFLICT');
  });

  it('keeps what the importer attested', () => {
    const wish = command('ImportKey', { ...createKey(), attestedEntropyBits: 128 });
    expect(decided([], wish)).toMatchObject([{ type: 'KeyImported', data: { attestedEntropyBits: 128 } }]);
  });
});

describe('a managing key', () => {
  it.each([
    ['its own scopes', {}, ceiling()],
    ['fewer scopes', { scopes: ['read'] }, ceiling()],
    ['an earlier expiry', { expiresAtMs: NOW + 1 }, ceiling({ expiresAtMs: NOW + 2 })],
    ['its own expiry', { expiresAtMs: NOW + 2 }, ceiling({ expiresAtMs: NOW + 2 })],
  ])('may give %s', (_, wish, own) => {
    expect(decided([], createKey({ ...wish, ceiling: own }))).toHaveLength(1);
  });

  it.each([
    ['a scope it lacks', { scopes: ['read', 'admin'] }, ceiling()],
    ['another environment', { environment: 'test' as const }, ceiling()],
    ['a later expiry', { expiresAtMs: NOW + 3 }, ceiling({ expiresAtMs: NOW + 2 })],
    ['no expiry where it has one', { expiresAtMs: null }, ceiling({ expiresAtMs: NOW + 2 })],
  ])('may not give %s', (_, wish, own) => {
    expect(decided([], createKey({ ...wish, ceiling: own }))).toBe('EXCEEDS_CEILING');
  });

  it.each([
    ['has a scope beyond its own', created({ scopes: ['admin'] }), ceiling(), 'EXCEEDS_CEILING'],
    ['outlives it', created(), ceiling({ expiresAtMs: NOW + HOUR }), 'EXCEEDS_CEILING'],
    ['is of another environment', created({ environment: 'test' }), ceiling(), 'KEY_NOT_FOUND'],
  ])('may neither rotate nor revoke a key that %s', (_, given, own, code) => {
    expect(decided([given], rotateKey({ ceiling: own }))).toBe(code);
    expect(decided([given], command('RevokeKey', { reason: null, ceiling: own }))).toBe(code);
  });

  it('may rotate and revoke keys within its own rights', () => {
    expect(decided([created()], rotateKey({ ceiling: ceiling() }))).toHaveLength(1);
    expect(decided([created()], command('RevokeKey', { reason: null, ceiling: ceiling() }))).toHaveLength(1);
  });
});

describe("another tenant's key", () => {
  it.each([
    command('ChangeKey', { name: 'mine now' }),
    rotateKey(),
    command('RetirePreviousSecret', {}),
    command('RevokeKey', { reason: null, ceiling: null }),
  ])('is as absent as one that never was: $type', (wish) => {
    expect(decided([created()], { ...wish, tenantId: 'globex' })).toBe('KEY_NOT_FOUND');
    expect(decided([created(), revoked], { ...wish, tenantId: 'globex' })).toBe('KEY_NOT_FOUND');
    expect(decided([], wish)).toBe('KEY_NOT_FOUND');
  });
});

describe('changing a key', () => {
  it('is one fact for each thing that is another than before', () => {
    const wish = command('ChangeKey', { name: 'b', scopes: ['read'], expiresAtMs: NOW + 1, metadata: {} });
    expect(decided([created()], wish)).toEqual([
      { type: 'KeyDetailsChanged', data: { name: 'b', metadata: {} } },
      { type: 'KeyScopesChanged', data: { scopes: ['read'] } },
      { type: 'KeyExpiryChanged', data: { expiresAtMs: NOW + 1 } },
    ]);
  });

  it('is nothing where all is as wished already, in whatever order its metadata names it', () => {
    const given = created({ metadata: { a: 1, b: { c: [2], d: 3 } } });
    const wish = command('ChangeKey', {
      name: 'nightly export',
      scopes: ['read', 'write'],
      expiresAtMs: null,
      metadata: { b: { d: 3, c: [2] }, a: 1 },
    });
    expect(decided([given], wish)).toEqual([]);
    expect(decided([given], command('ChangeKey', {}))).toEqual([]);
  });

  it('leaves what is absent', () => {
    const { metadata } = after([created()], command('ChangeKey', { name: 'b' }));
    expect(metadata).toEqual({ team: 'billing' });
  });

  it('takes an expiry away and brings an expired key back', () => {
    const expired = created({ expiresAtMs: NOW - 1 });
    expect(after([expired], command('ChangeKey', { expiresAtMs: null })).expiresAtMs).toBeNull();
    expect(after([expired], command('ChangeKey', { expiresAtMs: NOW + 1 })).expiresAtMs).toBe(NOW + 1);
  });

  it('refuses a new expiry in the past but keeps an old one that has passed', () => {
    const expired = created({ expiresAtMs: NOW - 1 });
    expect(decided([expired], command('ChangeKey', { expiresAtMs: NOW - 2 }))).toBe('INVALID_REQUEST');
    expect(decided([expired], command('ChangeKey', { name: 'b' }))).toHaveLength(1);
  });

  it('is refused once the key is revoked', () => {
    expect(decided([created(), revoked], command('ChangeKey', { name: 'b' }))).toBe('KEY_REVOKED');
  });
});

describe('rotating a key', () => {
  it('ends some time: it has no more than 5,000 secrets, and can be revoked then', () => {
    const rotations = Array.from({ length: 4999 }, (_, n) =>
      rotated({ generation: n + 2, digest: `${n}`, previousValidUntilMs: NOW, rotatedAtMs: NOW }),
    );
    const last = rotations.slice(0, -1);
    expect(decided([created(), ...last], rotateKey())).toHaveLength(1);
    expect(decided([created(), ...rotations], rotateKey())).toBe('CHANGE_NOT_ALLOWED');
    expect(decided([created(), ...rotations], command('RevokeKey', { reason: null }))).toHaveLength(1);
  });

  it('leaves the previous secret valid until the grace period ends', () => {
    expect(states([created()], rotateKey({ graceSeconds: 3600 }))).toEqual([
      ['previous', NOW + HOUR],
      ['current', null],
    ]);
  });

  it('retires the previous secret at once without a grace period', () => {
    expect(states([created()], rotateKey({ graceSeconds: 0 }))).toEqual([
      ['retired', null],
      ['current', null],
    ]);
  });

  it('is refused while an earlier rotation is in its grace period', () => {
    expect(decided([created(), rotated()], rotateKey({ digest: 'digest 3' }))).toBe('ROTATION_IN_PROGRESS');
  });

  it('ends that grace period where it is asked to', () => {
    const wish = rotateKey({ digest: 'digest 3', retirePrevious: true });
    expect(states([created(), rotated()], wish)).toEqual([
      ['retired', null],
      ['previous', NOW + HOUR],
      ['current', null],
    ]);
  });

  it('is possible again from the end of the grace period on', () => {
    const wish = rotateKey({ digest: 'digest 3', nowMs: NOW + HOUR });
    expect(
      after([created(), rotated()], wish).secrets.map(({ generation, state }) => [generation, state]),
    ).toEqual([
      [1, 'retired'],
      [2, 'previous'],
      [3, 'current'],
    ]);
  });

  it('is refused for an expired and for a revoked key', () => {
    expect(decided([created({ expiresAtMs: NOW })], rotateKey())).toBe('KEY_EXPIRED');
    expect(decided([created(), revoked], rotateKey())).toBe('KEY_REVOKED');
  });
});

describe('retiring the previous secret', () => {
  const retire = command('RetirePreviousSecret', {});

  it('ends its grace period now', () => {
    expect(decided([created(), rotated()], retire)).toEqual([
      { type: 'PreviousSecretRetired', data: { generation: 1, retiredAtMs: NOW } },
    ]);
    expect(states([created(), rotated()], retire)).toEqual([
      ['retired', null],
      ['current', null],
    ]);
  });

  it('has nothing to do without one, and after its grace period', () => {
    expect(decided([created()], retire)).toEqual([]);
    expect(decided([created(), rotated()], { ...retire, nowMs: NOW + HOUR })).toEqual([]);
  });

  it('is refused for a revoked key', () => {
    expect(decided([created(), rotated(), revoked], retire)).toBe('KEY_REVOKED');
  });
});

describe('revoking a key', () => {
  const revoke = command('RevokeKey', { reason: 'leaked', ceiling: null });

  it('is a fact with its reason and time', () => {
    expect(decided([created()], revoke)).toEqual([revoked]);
  });

  it('is one wish, however often it is wished', () => {
    expect(decided([created(), revoked], revoke)).toEqual([]);
  });

  it('is possible for an expired key', () => {
    expect(decided([created({ expiresAtMs: NOW - 1 })], revoke)).toEqual([revoked]);
  });

  it('leaves the secrets it had, so that they are known as revoked for ever', () => {
    const { status, secrets, revokedAtMs } = after([created(), rotated()], revoke);
    expect({ status, revokedAtMs, digests: secrets.map(({ digest }) => digest) }).toEqual({
      status: 'revoked',
      revokedAtMs: NOW,
      digests: ['digest 1', 'digest 2'],
    });
  });
});

describe('folding', () => {
  it('leaves the state where an event cannot follow it, since facts are not refused', () => {
    const none = keyDecider.initialState;
    expect(fold([revoked, rotated()])).toEqual(none);
    expect(fold([created(), created({ name: 'again' })])).toEqual(fold([created()]));
  });
});
