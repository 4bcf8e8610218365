import { describe, expect, it } from '@jest/globals';
import { type TenantCommand, tenantDecider } from './tenant.decider.js';
import type { TenantEvent } from './tenant.events.js';

const NOW = 1_790_000_000_000;
const on = { tenantId: 'acme', nowMs: NOW };

const registered: TenantEvent = {
  type: 'TenantRegistered',
  data: { tenantId: 'acme', name: 'Acme', maxActiveKeys: 10, registeredAtMs: 1 },
};
const suspended: TenantEvent = { type: 'TenantSuspended', data: { reason: null, suspendedAtMs: 2 } };

const register = (wish: { name?: string; maxActiveKeys?: number }): TenantCommand => ({
  type: 'RegisterTenant',
  ...on,
  name: wish.name,
  maxActiveKeys: wish.maxActiveKeys,
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
        data: { tenantId: 'acme', name: 'acme', maxActiveKeys: 1000, registeredAtMs: NOW },
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
