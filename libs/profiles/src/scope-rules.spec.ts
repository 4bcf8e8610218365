import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readProfiles } from './file-profiles.js';
import type { Profile } from './profile.js';
import { scopesAllowing, scopesOfKey, scopesWithin } from './scope-rules.js';

const [base] = readProfiles('deploy/profiles', ['default']).all as [Profile];
const RULES: Profile['scopes']['rules'] = [
  { name: 'read', methods: ['GET'], managesKeys: false },
  { name: 'write', methods: ['GET', 'POST'], managesKeys: false },
  { name: 'root', methods: null, managesKeys: true },
];
const NAMES = RULES.map(({ name }) => name);
const withScopes = (scopes: Partial<Profile['scopes']>): Profile => ({
  ...base,
  scopes: { choice: 'some', whenAbsent: 'refused', rules: RULES, ...scopes },
});

describe('the scopes that allow a method', () => {
  it.each([
    ['GET', ['read', 'write', 'any']],
    ['POST', ['write', 'any']],
    ['DELETE', ['any']],
  ])('%s are those whose rules name it, or name no method and no managing', (method, allowing) => {
    const rules = [...RULES, { name: 'any', methods: null, managesKeys: false }];
    expect(scopesAllowing(withScopes({ rules }), method, 'resources')).toEqual(allowing);
  });

  it('are not asked for to learn what a key itself is', () => {
    expect(scopesAllowing(withScopes({}), 'GET', 'identity')).toBeNull();
  });

  it('are none where no rule names it, so that no key may', () => {
    expect(scopesAllowing(withScopes({ rules: RULES.slice(0, 2) }), 'DELETE', 'resources')).toEqual([]);
  });

  it('are not asked for where no rule names a method, but for managing keys', () => {
    const profile = withScopes({ rules: RULES.slice(2) });
    expect(scopesAllowing(profile, 'DELETE', 'resources')).toBeNull();
    expect(scopesAllowing(profile, 'DELETE', 'managed keys')).toEqual(['root']);
  });

  it('of managed keys must allow both, the method and the managing', () => {
    const rules = [...RULES, { name: 'lister', methods: ['GET'], managesKeys: true }];
    expect(scopesAllowing(withScopes({ rules }), 'POST', 'managed keys')).toEqual(['root']);
    expect(scopesAllowing(withScopes({ rules }), 'GET', 'managed keys')).toEqual(['root', 'lister']);
    expect(scopesAllowing(withScopes({ rules: [] }), 'GET', 'managed keys')).toEqual([]);
  });
});

describe('the scopes that a key may give to another', () => {
  const within = (profile: string, held: string[]) =>
    scopesWithin(readProfiles('deploy/profiles', []).named(profile) as Profile, held);

  it('are its own, and those that allow nothing more', () => {
    expect(within('synaptiq', ['admin'])).toEqual(['admin', 'read', 'write']);
    expect(within('synaptiq', ['write'])).toEqual(['write', 'read']);
    expect(within('synaptiq', ['read'])).toEqual(['read']);
    expect(within('syntropy', ['access-tokens'])).toEqual(['access-tokens', 'read']);
    expect(within('syntropy', ['write'])).toEqual(['write', 'read']);
  });

  it('are in the owner’s own words no others than it has', () => {
    expect(within('default', ['keys:manage'])).toEqual(['keys:manage']);
    expect(within('default', ['keys:manage', 'orders:read'])).toEqual(['keys:manage', 'orders:read']);
    expect(within('default', ['write'])).toEqual(['write']);
  });

  const METHODS = ['GET', 'POST', 'DELETE'];
  const ruleSets = fc
    .tuple(
      ...NAMES.map((name) =>
        fc.record({
          name: fc.constant(name),
          methods: fc.option(fc.subarray(METHODS, { minLength: 1 })),
          managesKeys: fc.boolean(),
        }),
      ),
    )
    .map((rules) => rules as Profile['scopes']['rules']);

  it('never allow a method, or managing, that it does not have', () => {
    fc.assert(
      fc.property(ruleSets, fc.subarray(NAMES), fc.constantFrom(...METHODS), (rules, held, method) => {
        const profile = withScopes({ rules });
        const may = (names: readonly string[], use: 'resources' | 'managed keys') =>
          scopesAllowing(profile, method, use)?.some((name) => names.includes(name)) ?? true;
        const given = scopesWithin(profile, held);
        for (const use of ['resources', 'managed keys'] as const) {
          expect(may(given, use)).toBe(may(held, use));
        }
      }),
    );
  });
});

describe('the scopes of a new key', () => {
  const wishes = fc.option(fc.uniqueArray(fc.constantFrom(...NAMES, 'unknown', 'other')), { nil: undefined });
  const choices = fc.constantFrom('some' as const, 'one' as const);

  it('are what was wished, or nothing but a refusal: never more, never others', () => {
    fc.assert(
      fc.property(choices, wishes, (choice, wished) => {
        const made = scopesOfKey(withScopes({ choice }), wished);
        const known =
          wished !== undefined && wished.length > 0 && wished.every((scope) => NAMES.includes(scope));
        if (known && (choice === 'some' || wished.length === 1)) expect(made).toEqual({ scopes: wished });
        else expect(made).toMatchObject({ problems: [{ field: 'scopes' }] });
      }),
    );
  });

  it('are all where nothing is said and the product says so', () => {
    expect(scopesOfKey(withScopes({ whenAbsent: 'all' }), undefined)).toEqual({ scopes: NAMES });
  });

  it('are all, and cannot be chosen, where every key has all', () => {
    const profile = withScopes({ choice: 'all', whenAbsent: 'all' });
    expect(scopesOfKey(profile, undefined)).toEqual({ scopes: NAMES });
    fc.assert(
      fc.property(fc.subarray(NAMES), (wished) => {
        expect(scopesOfKey(profile, wished)).toHaveProperty('problems');
      }),
    );
  });

  it('are any words, also none, where they are free', () => {
    expect(scopesOfKey(withScopes({ choice: 'free' }), ['own:word'])).toEqual({ scopes: ['own:word'] });
    expect(scopesOfKey(withScopes({ choice: 'free' }), [])).toEqual({ scopes: [] });
  });

  it('are refused with the names there are', () => {
    expect(scopesOfKey(withScopes({}), ['read', 'owner'])).toEqual({
      problems: [{ field: 'scopes', message: 'has unknown ones: owner; there are read, write, root' }],
    });
  });
});
