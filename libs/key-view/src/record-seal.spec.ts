import { createHmac, randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { SecretRecord, TenantRecord } from './key-records.js';
import { RecordSeal, type SealKey } from './record-seal.js';

const key = (id: string): SealKey => ({ id, key: randomBytes(32) });
const [oldKey, newKey] = [key('old'), key('new')];
const seal = new RecordSeal([oldKey]);

const secret: SecretRecord = {
  digest: 'a'.repeat(64),
  keyId: 'key-1',
  tenantId: 'acme',
  environment: 'live',
  scopes: ['read'],
  generation: 1,
  secretState: 'current',
  validUntilMs: null,
  keyState: 'active',
  expiresAtMs: null,
  requestsPerMinute: 7,
  version: 3,
};
const tenant: TenantRecord = {
  tenantId: 'acme',
  state: 'active',
  profile: 'seyn',
  plan: 'pro',
  version: 1,
};
const secretAt = { kind: 'secret', id: secret.digest } as const;
const tenantAt = { kind: 'tenant', id: 'acme' } as const;

describe('a sealed record', () => {
  it('opens to what was sealed', () => {
    expect(seal.open(secretAt, seal.seal('secret', secret))).toEqual(secret);
    expect(seal.open(tenantAt, seal.seal('tenant', tenant))).toEqual(tenant);
  });

  it('of before there were profiles and limits is the default profile’s, without a plan and a limit of its own', () => {
    const { requestsPerMinute: _limit, ...oldSecret } = secret;
    const { profile: _profile, plan: _plan, ...oldTenant } = tenant;
    expect(seal.open(secretAt, seal.seal('secret', oldSecret as SecretRecord))).toEqual({
      ...secret,
      requestsPerMinute: null,
    });
    expect(seal.open(tenantAt, seal.seal('tenant', oldTenant as TenantRecord))).toEqual({
      ...tenant,
      profile: 'default',
      plan: null,
    });
  });

  it('does not open when any one bit of its content or its seal is another', () => {
    const sealed = seal.seal('secret', secret);
    fc.assert(
      fc.property(
        fc.constantFrom('json' as const, 'seal' as const),
        fc.nat(),
        fc.nat(6),
        (field, at, bit) => {
          const bytes = Buffer.from(sealed[field]);
          const index = at % bytes.length;
          bytes.writeUInt8(bytes.readUInt8(index) ^ (1 << bit), index);
          const forged = { ...sealed, [field]: bytes.toString() };
          // The last character of base64url has bits that mean nothing.
          fc.pre(
            !Buffer.from(forged.seal, 'base64url').equals(Buffer.from(sealed.seal, 'base64url')) ||
              field === 'json',
          );
          expect(seal.open(secretAt, forged)).toBeUndefined();
        },
      ),
    );
  });

  it('does not open with a seal made by who holds another key, or none', () => {
    const forger = new RecordSeal([{ id: oldKey.id, key: randomBytes(32) }]);
    expect(seal.open(secretAt, forger.seal('secret', secret))).toBeUndefined();
    const json = JSON.stringify(secret);
    for (const guess of ['', 'x', createHmac('sha256', '').update(`secret\n${json}`).digest('base64url')]) {
      expect(seal.open(secretAt, { json, sealKeyId: oldKey.id, seal: guess })).toBeUndefined();
    }
  });

  it('does not open at another digest or tenant than its own', () => {
    expect(seal.open({ kind: 'secret', id: 'b'.repeat(64) }, seal.seal('secret', secret))).toBeUndefined();
    expect(seal.open({ kind: 'tenant', id: 'other' }, seal.seal('tenant', tenant))).toBeUndefined();
  });

  it('does not open as a record of another kind', () => {
    expect(seal.open({ kind: 'tenant', id: 'acme' }, seal.seal('secret', secret))).toBeUndefined();
    expect(seal.open({ kind: 'secret', id: 'acme' }, seal.seal('tenant', tenant))).toBeUndefined();
  });

  it('opens with either key while one replaces the other, and with the replaced one no more after that', () => {
    const before = seal.seal('secret', secret);
    const rotating = new RecordSeal([newKey, oldKey]);
    const during = rotating.seal('secret', secret);
    expect(during.sealKeyId).toBe('new');
    expect(rotating.open(secretAt, before)).toEqual(secret);
    expect(rotating.open(secretAt, during)).toEqual(secret);
    const after = new RecordSeal([newKey]);
    expect(after.open(secretAt, during)).toEqual(secret);
    expect(after.open(secretAt, before)).toBeUndefined();
  });

  it('does not open with a key id that is unknown, or of another key than sealed it', () => {
    const rotating = new RecordSeal([newKey, oldKey]);
    const sealed = rotating.seal('secret', secret);
    expect(rotating.open(secretAt, { ...sealed, sealKeyId: 'unknown' })).toBeUndefined();
    expect(rotating.open(secretAt, { ...sealed, sealKeyId: 'old' })).toBeUndefined();
  });
});
