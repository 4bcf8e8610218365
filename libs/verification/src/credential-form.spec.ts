import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { newCredential } from './record-examples.contract.js';
import { shippedProfile } from '#libs/testing/shipped-profiles';
import { withLegacyPatterns } from './profile-examples.contract.js';
import { isWellFormed } from './credential-form.js';

const own = shippedProfile('default');
const accepting = (...patterns: RegExp[]) => withLegacyPatterns(own, ...patterns);
const legacy = accepting(/^(?:sk_[0-9a-f]{32})$/, /^(?:[A-Za-z0-9]{1,600})$/);

describe('the form of a credential', () => {
  it('is right for a secret of our own format and for none that is nearly one', () => {
    const credential = newCredential();
    expect(isWellFormed(credential, own)).toBe(true);
    for (const wrong of [credential.slice(1), credential.toUpperCase(), `${credential}x`, '', 'lk_live_']) {
      expect(isWellFormed(wrong, own)).toBe(false);
    }
  });

  it('is right for what matches an accepted pattern of imported keys, and wrong without that pattern', () => {
    const imported = `sk_${'a1'.repeat(16)}`;
    expect(isWellFormed(imported, legacy)).toBe(true);
    expect(isWellFormed(imported, own)).toBe(false);
  });

  it('never takes a broken secret of ours for an imported one', () => {
    expect(isWellFormed(`${newCredential()}0`, accepting(/^(?:.*)$/))).toBe(false);
  });

  it('is that of its own product, with the tenant in it where the product has it', () => {
    const random = 'a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6q7r8s9t0';
    const sydx = shippedProfile('sydx');
    expect(isWellFormed(`sydx_your-tenant_id_${random}`, sydx)).toBe(true);
    expect(isWellFormed(`sydx_${random}`, sydx)).toBe(false);
    expect(isWellFormed(`sydx_acme_${random}`, own)).toBe(false);
    expect(isWellFormed(newCredential(), sydx)).toBe(false);
  });

  it('is wrong above 512 bytes, whatever matches', () => {
    expect(isWellFormed('a'.repeat(512), legacy)).toBe(true);
    expect(isWellFormed('a'.repeat(513), legacy)).toBe(false);
  });

  it('is wrong with white space, a control character or anything beyond ASCII, whatever matches', () => {
    const inserted = fc.constantFrom(' ', '\n', '\t', '\u0000', '\u007f', 'é', '\u00a0', '鍵', '🔑', ', ');
    fc.assert(
      fc.property(inserted, fc.nat(10), (wrong, at) => {
        const credential = 'abcdefghij';
        expect(
          isWellFormed(credential.slice(0, at) + wrong + credential.slice(at), accepting(/^(?:[^]*)$/)),
        ).toBe(false);
      }),
    );
  });
});
