import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { newCredential } from './record-examples.contract.js';
import { isWellFormed } from './credential-form.js';

const legacy = [/^(?:sk_[0-9a-f]{32})$/, /^(?:[A-Za-z0-9]{1,600})$/];

describe('the form of a credential', () => {
  it('is right for a secret of our own format and for none that is nearly one', () => {
    const credential = newCredential();
    expect(isWellFormed(credential, [])).toBe(true);
    for (const wrong of [credential.slice(1), credential.toUpperCase(), `${credential}x`, '', 'lk_live_']) {
      expect(isWellFormed(wrong, [])).toBe(false);
    }
  });

  it('is right for what matches an accepted pattern of imported keys, and wrong without that pattern', () => {
    const imported = `sk_${'a1'.repeat(16)}`;
    expect(isWellFormed(imported, legacy)).toBe(true);
    expect(isWellFormed(imported, [])).toBe(false);
  });

  it('never takes a broken secret of ours for an imported one', () => {
    expect(isWellFormed(`${newCredential()}0`, [/^(?:.*)$/])).toBe(false);
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
        expect(isWellFormed(credential.slice(0, at) + wrong + credential.slice(at), [/^(?:[^]*)$/])).toBe(
          false,
        );
      }),
    );
  });
});
