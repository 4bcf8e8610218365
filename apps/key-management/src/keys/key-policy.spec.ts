import { describe, expect, it } from '@jest/globals';
import type { Rejection } from '#libs/contracts';
import type { Profile } from '#libs/profiles';
import { shippedProfile } from '#libs/testing/shipped-profiles';
import {
  ceiling,
  command,
  created,
  decided,
  HOUR,
  NOW,
  revoked,
  rotated,
  rotateKey,
} from './key-examples.contract.js';
import { scopesOfNewKey } from './key-policy.js';

const seyn = shippedProfile('seyn');
const sydx = shippedProfile('sydx');
const synaptiq = shippedProfile('synaptiq');

/** No shipped product asks for an expiry. */
const expiring: Profile = { ...sydx, keys: { ...sydx.keys, expiry: 'required' } };

type Wish = Parameters<typeof scopesOfNewKey>[1];
const wish = (more: Partial<Wish> = {}): Wish => ({
  environment: 'live',
  scopes: undefined,
  expiresAtMs: null,
  ...more,
});

/** The fields that are wrong, or the scopes. */
function judged(profile: Profile, more: Partial<Wish> = {}): string[] | { scopes: string[] } {
  try {
    return { scopes: scopesOfNewKey(profile, wish(more)) };
  } catch (error) {
    return (error as Rejection).fields.map(({ field }) => field);
  }
}

describe('a new key', () => {
  it('gets the scopes that its product gives where none are chosen, and else those that it allows', () => {
    expect(judged(sydx)).toEqual({ scopes: ['read', 'write'] });
    expect(judged(sydx, { scopes: ['read'] })).toEqual({ scopes: ['read'] });
    expect(judged(seyn)).toEqual({ scopes: ['read'] });
    expect(judged(synaptiq, { scopes: ['admin'] })).toEqual({ scopes: ['admin'] });
  });

  it.each<[string, Profile, Partial<Wish>, string[]]>([
    ['an environment without keys', sydx, { environment: 'test' }, ['environment']],
    ['an expiry of keys that never expire', sydx, { expiresAtMs: NOW }, ['expiresAt']],
    ['no expiry of keys that must have one', expiring, {}, ['expiresAt']],
    ['no scope where one must be chosen', synaptiq, {}, ['scopes']],
    ['two scopes where there is exactly one', synaptiq, { scopes: ['read', 'write'] }, ['scopes']],
    ['a scope that the product does not have', sydx, { scopes: ['admin'] }, ['scopes']],
    ['a choice of scopes where all keys have the same', seyn, { scopes: ['read'] }, ['scopes']],
    ['a longer beginning than is kept', sydx, { hint: { start: 's', end: '' } }, ['hintStart']],
    ['a longer end than is kept', seyn, { hint: { start: 'sk_live_', end: 'f' } }, ['hintEnd']],
    [
      'everything at once',
      seyn,
      { environment: 'test', scopes: [], expiresAtMs: NOW },
      ['environment', 'scopes', 'expiresAt'],
    ],
  ])('is refused with %s', (_, profile, more, fields) => {
    expect(judged(profile, more)).toEqual(fields);
  });

  it('may expire where its product asks for it', () => {
    expect(judged(expiring, { expiresAtMs: NOW + HOUR })).toEqual({ scopes: ['read', 'write'] });
  });
});

describe('a key of a product that lets nobody change it', () => {
  it.each([
    ['its name', command('ChangeKey', { name: 'other', profile: seyn })],
    ['the name that it has', command('ChangeKey', { name: 'nightly export', profile: seyn })],
    ['its metadata', command('ChangeKey', { metadata: {}, profile: seyn })],
    ['its scopes', command('ChangeKey', { scopes: ['read'], profile: seyn })],
    ['its expiry', command('ChangeKey', { expiresAtMs: NOW + HOUR, profile: seyn })],
    ['having no expiry', command('ChangeKey', { expiresAtMs: null, profile: seyn })],
    ['its secret', rotateKey({ profile: seyn })],
    ['its previous secret', command('RetirePreviousSecret', { profile: seyn })],
  ])('keeps %s', (_, wished) => {
    expect(decided([created()], wished)).toBe('CHANGE_NOT_ALLOWED');
  });

  it('can be revoked', () => {
    expect(decided([created()], command('RevokeKey', { reason: 'leaked', ceiling: null }))).toEqual([
      revoked,
    ]);
  });

  it('is not told from one that is not there where it is another tenant’s', () => {
    const wished = command('ChangeKey', { name: 'other', profile: seyn, tenantId: 'globex' });
    expect(decided([created()], wished)).toBe('KEY_NOT_FOUND');
  });
});

describe('a key whose product does not rotate any more', () => {
  it('can be rid of a secret that is still in its grace period', () => {
    const retire = command('RetirePreviousSecret', { profile: seyn });
    expect(decided([created(), rotated()], retire)).toHaveLength(1);
    expect(decided([created()], retire)).toBe('CHANGE_NOT_ALLOWED');
  });
});

describe('a change of scopes or expiry', () => {
  it('keeps to what its product allows', () => {
    expect(decided([created()], command('ChangeKey', { scopes: ['read', 'write'], profile: synaptiq }))).toBe(
      'INVALID_REQUEST',
    );
    const unending = { ...expiring, keys: { ...expiring.keys, changes: ['expiresAt' as const] } };
    expect(decided([created()], command('ChangeKey', { expiresAtMs: null, profile: unending }))).toBe(
      'INVALID_REQUEST',
    );
  });
});

describe('the limit of one key', () => {
  const limit = (requestsPerMinute: number | null, profile = seyn) =>
    command('ChangeRateLimit', { requestsPerMinute, profile });

  it('is a fact where it is another than before, set or taken back', () => {
    const raised = { type: 'RateLimitChanged', data: { requestsPerMinute: 600 } } as const;
    expect(decided([created()], limit(600))).toEqual([raised]);
    expect(decided([created(), raised], limit(600))).toEqual([]);
    expect(decided([created(), raised], limit(null))).toEqual([
      { type: 'RateLimitChanged', data: { requestsPerMinute: null } },
    ]);
    expect(decided([created()], limit(null))).toEqual([]);
  });

  it('is refused where the product does not allow it, and for a revoked key', () => {
    const fixed = { ...seyn, keys: { ...seyn.keys, changes: [] } };
    expect(decided([created()], limit(600, fixed))).toBe('CHANGE_NOT_ALLOWED');
    expect(decided([created(), revoked], limit(600))).toBe('KEY_REVOKED');
  });
});

describe('a managing key', () => {
  it('ends grace periods within its own rights alone', () => {
    const retire = (own: Parameters<typeof ceiling>[0]) =>
      decided([created(), rotated()], command('RetirePreviousSecret', { ceiling: ceiling(own) }));
    expect(retire({})).toHaveLength(1);
    expect(retire({ scopes: [] })).toBe('EXCEEDS_CEILING');
    expect(retire({ environment: 'test' })).toBe('KEY_NOT_FOUND');
  });
});
