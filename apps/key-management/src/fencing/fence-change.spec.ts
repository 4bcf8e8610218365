import { describe, expect, it } from '@jest/globals';
import type { KeyEvent } from '../keys/key.events.js';
import { evolveKey, type KeyState } from '../keys/key.state.js';
import type { TenantEvent } from '../tenants/tenant.events.js';
import { type FenceChange, fenceChangeOfKey, fenceChangeOfTenant, isAwaited } from './fence-change.js';

const NOW_MS = 1_000_000;
const HOUR_MS = 3_600_000;

const description = {
  keyId: 'key_7',
  tenantId: 'acme',
  name: 'a key',
  environment: 'live',
  scopes: ['read', 'write'],
  expiresAtMs: NOW_MS + 10 * HOUR_MS,
  metadata: {},
  digest: 'd1',
  hint: { start: 's', end: 'e' },
  createdAtMs: NOW_MS,
} as const;
const created = { type: 'KeyCreated', data: description } as unknown as KeyEvent;
const imported = {
  type: 'KeyImported',
  data: { ...description, attestedEntropyBits: 128 },
} as unknown as KeyEvent;
const rotated = (graceMs: number, rotatedAtMs = NOW_MS): KeyEvent => ({
  type: 'KeyRotated',
  data: {
    generation: 2,
    digest: 'd2',
    hint: description.hint,
    previousValidUntilMs: rotatedAtMs + graceMs,
    rotatedAtMs,
  },
});
const retired: KeyEvent = { type: 'PreviousSecretRetired', data: { generation: 1, retiredAtMs: NOW_MS } };
const revoked: KeyEvent = { type: 'KeyRevoked', data: { reason: null, revokedAtMs: NOW_MS } };
const renamed: KeyEvent = { type: 'KeyDetailsChanged', data: { name: 'other', metadata: {} } };
const scopes = (...names: string[]): KeyEvent => ({ type: 'KeyScopesChanged', data: { scopes: names } });
const expiry = (expiresAtMs: number | null): KeyEvent => ({
  type: 'KeyExpiryChanged',
  data: { expiresAtMs },
});

/** The fence entry of `events` on a key to which `history` happened. */
function given(...history: KeyEvent[]) {
  const before = history.reduce<KeyState>(evolveKey, { status: 'none' });
  return {
    when: (...events: KeyEvent[]) =>
      fenceChangeOfKey(before, events, history.length + events.length, 'default'),
  };
}

describe('the fence entry of a change to a key', () => {
  it('is none for a new key: no verifier can know it', () => {
    expect(given().when(created)).toBeUndefined();
  });

  it('of an import is a hint about the digest, which may be remembered as unknown', () => {
    expect(given().when(imported)).toEqual({
      kind: 'HINT',
      subject: 'secret-d1',
      floorVersion: 1,
      terminal: false,
      profile: 'default',
      bindsFromMs: 0,
    });
  });

  it('of a revocation restricts for ever, at the version of the revocation', () => {
    expect(given(created, renamed).when(revoked)).toEqual({
      kind: 'KEY',
      subject: 'key-key_7',
      floorVersion: 3,
      terminal: true,
      profile: 'default',
      bindsFromMs: 0,
    });
  });

  it.each<[string, KeyEvent[], KeyEvent[], object]>([
    ['a secret retired early', [created, rotated(HOUR_MS)], [retired], { kind: 'KEY', bindsFromMs: 0 }],
    ['a rotation without grace', [created], [rotated(0)], { kind: 'KEY', bindsFromMs: 0 }],
    [
      'a rotation with grace, which binds when that ends',
      [created],
      [rotated(HOUR_MS)],
      { kind: 'KEY', bindsFromMs: NOW_MS + HOUR_MS },
    ],
    [
      'a rotation that ends the grace of an earlier one',
      [created, rotated(HOUR_MS)],
      [rotated(HOUR_MS)],
      { kind: 'KEY', bindsFromMs: 0 },
    ],
    [
      'a rotation after the grace of an earlier one',
      [created, rotated(HOUR_MS)],
      [rotated(HOUR_MS, NOW_MS + 2 * HOUR_MS)],
      { kind: 'KEY', bindsFromMs: NOW_MS + 3 * HOUR_MS },
    ],
    ['a scope taken away', [created], [scopes('read')], { kind: 'KEY', bindsFromMs: 0 }],
    ['a scope exchanged', [created], [scopes('read', 'other')], { kind: 'KEY', bindsFromMs: 0 }],
    ['a scope added', [created], [scopes('read', 'write', 'other')], { kind: 'HINT' }],
    ['scopes in another order', [created], [scopes('write', 'read')], { kind: 'HINT' }],
    ['an expiry brought forward', [created], [expiry(NOW_MS + HOUR_MS)], { kind: 'KEY', bindsFromMs: 0 }],
    [
      'an expiry where there was none',
      [created, expiry(null)],
      [expiry(NOW_MS + HOUR_MS)],
      { kind: 'KEY', bindsFromMs: 0 },
    ],
    ['an expiry put off', [created], [expiry(NOW_MS + 20 * HOUR_MS)], { kind: 'HINT' }],
    ['an expiry taken away', [created], [expiry(null)], { kind: 'HINT' }],
    ['a name', [created], [renamed], { kind: 'HINT' }],
    [
      'several changes, the strongest of which counts',
      [created],
      [renamed, scopes('read'), expiry(null)],
      { kind: 'KEY', bindsFromMs: 0 },
    ],
  ])('of %s', (_, history, events, expected) => {
    const floorVersion = history.length + events.length;
    expect(given(...history).when(...events)).toMatchObject({
      subject: 'key-key_7',
      floorVersion,
      terminal: false,
      ...expected,
    });
  });
});

describe('the fence entry of a change to a tenant', () => {
  const suspended: TenantEvent = { type: 'TenantSuspended', data: { reason: null, suspendedAtMs: NOW_MS } };
  const resumed: TenantEvent = { type: 'TenantResumed', data: { reason: null, resumedAtMs: NOW_MS } };
  const changed: TenantEvent = { type: 'TenantChanged', data: { name: 'Acme', maxActiveKeys: 5 } };
  const planned: TenantEvent = { type: 'TenantPlanChanged', data: { plan: 'pro' } };
  const registered: TenantEvent = {
    type: 'TenantRegistered',
    data: {
      tenantId: 'acme',
      name: 'Acme',
      maxActiveKeys: 5,
      profile: 'default',
      plan: null,
      registeredAtMs: NOW_MS,
    },
  };

  it('is none for a new tenant', () => {
    expect(fenceChangeOfTenant('acme', [registered], 1, 'default')).toBeUndefined();
  });

  it.each([
    ['restricts where it is suspended', suspended, 'TENANT'],
    ['is a hint where it is resumed', resumed, 'HINT'],
    ['is a hint where its name or limit changes', changed, 'HINT'],
    ['is a hint where its plan changes', planned, 'HINT'],
  ])('%s', (_, event, kind) => {
    const change = fenceChangeOfTenant('acme', [event], 4, 'default');
    expect(change).toMatchObject({ kind, subject: 'tenant-acme', floorVersion: 4, terminal: false });
    expect(isAwaited(change as FenceChange, 0, NOW_MS)).toBe(kind === 'TENANT');
  });
});

describe('waiting for a change', () => {
  const boundMs = 10_205;

  it.each([
    ['for what ends at once', 0, true],
    ['for what ends while leases from before may last', NOW_MS + boundMs, true],
    ['not for what ends later: who answers then has been told', NOW_MS + boundMs + 1, false],
  ])('is done %s', (_, bindsFromMs, expected) => {
    expect(isAwaited({ kind: 'KEY', bindsFromMs }, boundMs, NOW_MS)).toBe(expected);
  });

  it('is never done for a hint', () => {
    expect(isAwaited({ kind: 'HINT', bindsFromMs: 0 }, boundMs, NOW_MS)).toBe(false);
  });
});
