import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { OUTCOMES } from '#libs/contracts';
import { secretRecord, tenantRecord } from './record-examples.contract.js';
import { type KnownCredential, verdictOf } from './verdict.js';

const now = 1_800_000_000_000;

/** Needs all of these scopes. */
const needs = (allOf: readonly string[], anyOf?: readonly string[]) => ({ allOf, anyOf });

function given(changes: {
  secret?: Parameters<typeof secretRecord>[0];
  tenant?: Parameters<typeof tenantRecord>[0];
}): KnownCredential {
  return { secret: secretRecord(changes.secret), tenant: tenantRecord(changes.tenant) };
}

describe('the verdict', () => {
  it('is VALID for an active key of an active tenant with all required scopes', () => {
    expect(verdictOf(given({}), needs(['read', 'write']), now)).toBe('VALID');
    expect(verdictOf(given({ secret: { scopes: [] } }), needs([]), now)).toBe('VALID');
  });

  it('is NOT_FOUND only where no key ever had the secret', () => {
    expect(verdictOf(undefined, needs([]), now)).toBe('NOT_FOUND');
  });

  it('is REVOKED for every secret of a revoked key', () => {
    for (const secretState of ['current', 'previous', 'retired'] as const) {
      expect(verdictOf(given({ secret: { keyState: 'revoked', secretState } }), needs([]), now)).toBe(
        'REVOKED',
      );
    }
  });

  it('lets a previous secret pass until the grace period ends, and not in that very millisecond', () => {
    const previous = given({ secret: { secretState: 'previous', validUntilMs: now + 1 } });
    expect(verdictOf(previous, needs([]), now)).toBe('VALID');
    expect(verdictOf(previous, needs([]), now + 1)).toBe('SECRET_RETIRED');
  });

  it('is SECRET_RETIRED for a retired secret, whatever end it has', () => {
    for (const validUntilMs of [null, now + 1000]) {
      expect(verdictOf(given({ secret: { secretState: 'retired', validUntilMs } }), needs([]), now)).toBe(
        'SECRET_RETIRED',
      );
    }
  });

  it('is EXPIRED from the millisecond of the expiry on', () => {
    const expiring = given({ secret: { expiresAtMs: now } });
    expect(verdictOf(expiring, needs([]), now - 1)).toBe('VALID');
    expect(verdictOf(expiring, needs([]), now)).toBe('EXPIRED');
  });

  it('is TENANT_SUSPENDED while the tenant is', () => {
    expect(verdictOf(given({ tenant: { state: 'suspended' } }), needs([]), now)).toBe('TENANT_SUSPENDED');
  });

  it('is INSUFFICIENT_SCOPE unless every required scope is held, matched exactly', () => {
    for (const scopes of [['read', 'delete'], ['rea'], ['reads'], ['READ']]) {
      expect(verdictOf(given({}), needs(scopes), now)).toBe('INSUFFICIENT_SCOPE');
    }
  });

  it('is INSUFFICIENT_SCOPE unless one of several is held where one is needed, and always where none would do', () => {
    expect(verdictOf(given({}), needs([], ['admin', 'write']), now)).toBe('VALID');
    expect(verdictOf(given({}), needs(['read'], ['admin']), now)).toBe('INSUFFICIENT_SCOPE');
    expect(verdictOf(given({}), needs(['admin'], ['read']), now)).toBe('INSUFFICIENT_SCOPE');
    expect(verdictOf(given({}), needs([], []), now)).toBe('INSUFFICIENT_SCOPE');
  });

  it('says no to states it does not know', () => {
    expect(verdictOf(given({ secret: { keyState: 'paused' as never } }), needs([]), now)).toBe('REVOKED');
    expect(verdictOf(given({ secret: { secretState: 'next' as never } }), needs([]), now)).toBe(
      'SECRET_RETIRED',
    );
    expect(verdictOf(given({ secret: { secretState: 'previous' } }), needs([]), now)).toBe('SECRET_RETIRED');
    expect(verdictOf(given({ tenant: { state: 'closed' as never } }), needs([]), now)).toBe(
      'TENANT_SUSPENDED',
    );
  });

  it('is the first in the order of precedence of all that apply', () => {
    const faults = fc.record({
      REVOKED: fc.boolean(),
      SECRET_RETIRED: fc.boolean(),
      EXPIRED: fc.boolean(),
      TENANT_SUSPENDED: fc.boolean(),
      INSUFFICIENT_SCOPE: fc.boolean(),
    });
    fc.assert(
      fc.property(faults, (has) => {
        const known = given({
          secret: {
            keyState: has.REVOKED ? 'revoked' : 'active',
            secretState: has.SECRET_RETIRED ? 'retired' : 'current',
            expiresAtMs: has.EXPIRED ? now - 1 : now + 1,
          },
          tenant: { state: has.TENANT_SUSPENDED ? 'suspended' : 'active' },
        });
        const verdict = verdictOf(known, needs(has.INSUFFICIENT_SCOPE ? ['admin'] : ['read']), now);
        const first = OUTCOMES.find((outcome) => outcome === 'VALID' || has[outcome as keyof typeof has]);
        expect(verdict).toBe(first);
      }),
    );
  });
});
