import { describe, expect, it } from '@jest/globals';
import { shippedProfiles } from '#libs/testing/shipped-profiles';
import { type TenantCommand, tenantDecider, type TenantWish } from './tenant.decider.js';
import type { TenantEvent } from './tenant.events.js';

const NOW = 1_790_000_000_000;
const on = { tenantId: 'acme', nowMs: NOW };

const registered: TenantEvent = {
  type: 'TenantRegistered',
  data: {
    tenantId: 'acme',
    name: 'Acme',
    maxActiveKeys: 10,
    profile: 'default',
    plan: null,
    registeredAtMs: 1,
  },
};
const suspended: TenantEvent = { type: 'TenantSuspended', data: { reason: null, suspendedAtMs: 2 } };

const register = (wish: Partial<TenantWish>): TenantCommand => ({
  type: 'RegisterTenant',
  ...on,
  profiles: shippedProfiles,
  name: undefined,
  maxActiveKeys: undefined,
  profile: undefined,
  plan: undefined,
  ...wish,
});

function decided(given: readonly TenantEvent[], when: TenantCommand): TenantEvent[] | string {
  try {
    return tenantDecider.decide(when, given.reduce(tenantDecider.evolve, tenantDecider.initialState));
  } catch (error) {
    return (error as { code: string }).code;
  }
}

describe('registering a tenant', () => {
  it('gives it its id as name and 1,000 active keys unless told otherwise', () => {
    expect(decided([], register({}))).toEqual([
      {
        type: 'TenantRegistered',
        data: {
          tenantId: 'acme',
          name: 'acme',
          maxActiveKeys: 1000,
          profile: 'default',
          plan: null,
          registeredAtMs: NOW,
        },
      },
    ]);
    expect(decided([], register({ name: 'Acme', maxActiveKeys: 0 }))).toMatchObject([
      { data: { name: 'Acme', maxActiveKeys: 0 } },
    ]);
  });

  it('changes what is given of one that is there, and leaves the rest', () => {
    expect(decided([registered], register({ maxActiveKeys: 3 }))).toEqual([
      { type: 'TenantChanged', data: { name: 'Acme', maxActiveKeys: 3 } },
    ]);
  });

  it('has nothing to do where all is as wished', () => {
    expect(decided([registered], register({}))).toEqual([]);
    expect(decided([registered], register({ name: 'Acme', maxActiveKeys: 10 }))).toEqual([]);
  });

  it('does not resume a suspended tenant', () => {
    const after = [
      registered,
      suspended,
      ...(decided([registered, suspended], register({ name: 'B' })) as TenantEvent[]),
    ];
    expect(after.reduce(tenantDecider.evolve, tenantDecider.initialState)).toMatchObject({
      status: 'suspended',
      name: 'B',
    });
  });
});

describe('a tenant’s product', () => {
  const synaptiqs: TenantEvent = {
    type: 'TenantRegistered',
    data: { ...registered.data, profile: 'synaptiq', plan: 'starter' } as typeof registered.data,
  };

  it('gives it the first plan and the most keys that it has, unless told otherwise', () => {
    expect(decided([], register({ profile: 'synaptiq' }))).toMatchObject([
      { data: { profile: 'synaptiq', plan: 'starter', maxActiveKeys: 1000 } },
    ]);
    expect(decided([], register({ profile: 'synaptiq', plan: 'pro' }))).toMatchObject([
      { data: { plan: 'pro' } },
    ]);
    expect(decided([], register({ profile: 'sydx' }))).toMatchObject([
      { data: { plan: null, maxActiveKeys: 10 } },
    ]);
    expect(decided([], register({ profile: 'sydx', maxActiveKeys: 3 }))).toMatchObject([
      { data: { maxActiveKeys: 3 } },
    ]);
  });

  it.each<[string, Partial<TenantWish>]>([
    ['a product that is not there', { profile: 'other' }],
    ['a plan that the product does not have', { profile: 'synaptiq', plan: 'free' }],
    ['no plan where there are some', { profile: 'synaptiq', plan: null }],
    ['a plan where there are none', { plan: 'pro' }],
    ['more keys than the product allows', { profile: 'sydx', maxActiveKeys: 11 }],
  ])('is refused: %s', (_, wish) => {
    expect(decided([], register(wish))).toBe('INVALID_REQUEST');
  });

  it('never changes, and naming it again is fine', () => {
    expect(decided([synaptiqs], register({ profile: 'default' }))).toBe('PROFILE_FIXED');
    expect(decided([synaptiqs], register({ profile: 'synaptiq' }))).toEqual([]);
  });

  it('may change its plan, alone or with the rest', () => {
    expect(decided([synaptiqs], register({ plan: 'pro' }))).toEqual([
      { type: 'TenantPlanChanged', data: { plan: 'pro' } },
    ]);
    expect(decided([synaptiqs], register({ plan: 'pro', name: 'B' }))).toEqual([
      { type: 'TenantChanged', data: { name: 'B', maxActiveKeys: 10 } },
      { type: 'TenantPlanChanged', data: { plan: 'pro' } },
    ]);
    expect(decided([synaptiqs], register({ plan: 'starter' }))).toEqual([]);
  });

  it('may change the rest of a tenant whose plan its product has no more', () => {
    const former: TenantEvent = { type: 'TenantPlanChanged', data: { plan: 'trial' } };
    expect(decided([synaptiqs, former], register({ name: 'B' }))).toEqual([
      { type: 'TenantChanged', data: { name: 'B', maxActiveKeys: 10 } },
    ]);
    expect(decided([synaptiqs, former], register({ plan: 'trial' }))).toBe('INVALID_REQUEST');
  });
});

describe('suspending and resuming', () => {
  const suspend: TenantCommand = { type: 'SuspendTenant', ...on, reason: 'invoice overdue' };
  const resume: TenantCommand = { type: 'ResumeTenant', ...on, reason: null };

  it('are facts with their reason and time', () => {
    expect(decided([registered], suspend)).toEqual([
      { type: 'TenantSuspended', data: { reason: 'invoice overdue', suspendedAtMs: NOW } },
    ]);
    expect(decided([registered, suspended], resume)).toEqual([
      { type: 'TenantResumed', data: { reason: null, resumedAtMs: NOW } },
    ]);
  });

  it('are one wish, however often wished', () => {
    expect(decided([registered, suspended], suspend)).toEqual([]);
    expect(decided([registered], resume)).toEqual([]);
  });

  it('need a tenant', () => {
    expect(decided([], suspend)).toBe('TENANT_NOT_FOUND');
    expect(decided([], resume)).toBe('TENANT_NOT_FOUND');
  });
});
