import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { composeSecret, digestOf, hintOf, isOwnSecret } from './key-secret.js';

const environments = fc.constantFrom('live' as const, 'test' as const);
const secrets = environments.map((environment) => composeSecret(environment, randomBytes));

describe('a secret of the default format', () => {
  it('has the documented form and a right checksum, whatever the random bytes', () => {
    fc.assert(
      fc.property(environments, fc.infiniteStream(fc.integer({ min: 0, max: 255 })), (environment, bytes) => {
        // A last byte below 248 in every draw keeps an all-refused stream from going on for ever.
        const draw = (length: number) => Buffer.from([...bytes.take(length - 1), 7]);
        const secret = composeSecret(environment, draw);
        expect(secret).toMatch(/^lk_(live|test)_[0-9A-Za-z]{39}$/);
        expect(secret.startsWith(`lk_${environment}_`)).toBe(true);
        expect(isOwnSecret(secret)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  it('throws away the bytes that would make some characters likelier than others', () => {
    const draws = [Buffer.alloc(66, 255), Buffer.alloc(66, 248), Buffer.alloc(66, 61)];
    const secret = composeSecret('test', () => draws.shift() as Buffer);
    expect(secret.slice(0, -6)).toBe(`lk_test_${'z'.repeat(33)}`);
    expect(draws).toHaveLength(0);
  });

  it('is refused when any one character is another', () => {
    fc.assert(
      fc.property(
        secrets,
        fc.nat(),
        fc.constantFrom('0', 'A', 'z', '_', 'é', ' '),
        (secret, index, replacement) => {
          const at = index % secret.length;
          fc.pre(secret.charAt(at) !== replacement);
          expect(isOwnSecret(secret.slice(0, at) + replacement + secret.slice(at + 1))).toBe(false);
        },
      ),
    );
  });

  it('is refused when two neighbouring characters change places', () => {
    fc.assert(
      fc.property(secrets, fc.nat(), (secret, index) => {
        const at = index % (secret.length - 1);
        const [first, second] = [secret.charAt(at), secret.charAt(at + 1)];
        fc.pre(first !== second);
        expect(isOwnSecret(secret.slice(0, at) + second + first + secret.slice(at + 2))).toBe(false);
      }),
    );
  });

  it('is refused with anything before or after it', () => {
    const secret = composeSecret('live', randomBytes);
    for (const wrong of [
      `${secret}\n`,
      ` ${secret}`,
      `${secret}0`,
      secret.slice(0, -1),
      secret + secret,
      '',
    ]) {
      expect(isOwnSecret(wrong)).toBe(false);
    }
  });
});

describe('what is kept of a secret', () => {
  it('is the SHA-256 of its UTF-8 bytes in lower-case hexadecimal digits', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(digestOf(text)).toBe(createHash('sha256').update(text, 'utf8').digest('hex'));
      }),
    );
  });

  it('is a hint of 12 first and 4 last characters, which leaves 23 random ones unknown', () => {
    const secret = composeSecret('live', randomBytes);
    const { start, end } = hintOf(secret);
    expect([start.length, end.length]).toEqual([12, 4]);
    expect(secret.startsWith(start) && secret.endsWith(end)).toBe(true);
  });
});
