import { describe, expect, it } from '@jest/globals';
import { subjectOfKey, subjectOfSecret, subjectOfTenant } from '#libs/fence';
import { NearCache } from './near-cache.js';
import { secretRecord, tenantRecord } from './record-examples.contract.js';
import { RememberedMisses } from './remembered-misses.js';

function given(recordsMax = 100) {
  const misses = new RememberedMisses(60_000, 100);
  return { misses, near: new NearCache(recordsMax, misses) };
}

const known = { secret: secretRecord(), tenant: tenantRecord() };
const { digest } = known.secret;

describe('the near cache', () => {
  it('gives back both records of what it was told to keep', () => {
    const { near } = given();
    expect(near.known(digest)).toBeUndefined();
    near.keep(known);
    expect(near.known(digest)).toEqual(known);
  });

  it('forgets a tenant at once when its change is heard of, and the keys of others not', () => {
    const { near } = given();
    const other = {
      secret: secretRecord({ tenantId: 'umbrella' }),
      tenant: tenantRecord({ tenantId: 'umbrella' }),
    };
    near.keep(known);
    near.keep(other);
    near.evict({ subject: subjectOfTenant('acme') });
    expect(near.known(digest)).toBeUndefined();
    expect(near.known(other.secret.digest)).toEqual(other);
  });

  it('forgets a remembered miss when its secret came from elsewhere', () => {
    const { near, misses } = given();
    misses.add(digest, 0);
    near.evict({ subject: subjectOfSecret('of-another') });
    expect(misses.has(digest, 0)).toBe(true);
    near.evict({ subject: subjectOfSecret(digest) });
    expect(misses.has(digest, 0)).toBe(false);
  });

  it('forgets what was too old to use', () => {
    const { near } = given();
    near.keep(known);
    near.forget(digest);
    expect(near.secret(digest)).toBeUndefined();
  });

  it('forgets everything when nothing holds any more', () => {
    const { near, misses } = given();
    near.keep(known);
    misses.add('d', 0);
    near.clear();
    expect(near.known(digest)).toBeUndefined();
    expect(near.tenant('acme')).toBeUndefined();
    expect(misses.has('d', 0)).toBe(false);
  });

  it('tells by its changes whether anything was heard of in between, whatever it was about', () => {
    const { near } = given();
    const seen = [near.changes];
    near.evict({ subject: subjectOfKey('key-1') });
    seen.push(near.changes);
    near.evict({ subject: subjectOfSecret(digest) });
    seen.push(near.changes);
    near.clear();
    seen.push(near.changes);
    expect(new Set(seen).size).toBe(4);
    near.keep(known);
    expect(near.changes).toBe(seen.at(-1));
  });

  it('keeps nothing where it is turned off, and never more than it may', () => {
    const off = given(0).near;
    off.keep(known);
    expect(off.known(digest)).toBeUndefined();
    const { near } = given(10);
    const digests = Array.from({ length: 50 }, () => {
      const record = secretRecord();
      near.keep({ secret: record, tenant: tenantRecord() });
      return record.digest;
    });
    const kept = digests.filter((each) => near.secret(each) !== undefined).length;
    expect(kept).toBeGreaterThanOrEqual(5);
    expect(kept).toBeLessThanOrEqual(10);
  });
});
