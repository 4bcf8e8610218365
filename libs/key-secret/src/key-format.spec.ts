import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  type Environment,
  KeyFormat,
  type KeyFormatRules,
  randomBitsOf,
  templateProblems,
} from './key-format.js';
import { CREDENTIAL_BYTES_MAX } from './key-secret.js';

const HEX = '0123456789abcdef';
const BASE36 = 'abcdefghijklmnopqrstuvwxyz0123456789';
const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

const OWN: KeyFormatRules = {
  template: 'lk_{environment}_{random}{checksum}',
  environments: { live: 'live', test: 'test' },
  alphabet: BASE62,
  randomLength: 33,
  checksum: 'crc32',
};
const WITH_TENANT: KeyFormatRules = {
  template: 'sydx_{tenantId}_{random}',
  environments: { live: 'live' },
  alphabet: BASE36,
  randomLength: 40,
  checksum: 'none',
};
const own = new KeyFormat(OWN);
const withTenant = new KeyFormat(WITH_TENANT);

const environments = fc.constantFrom<Environment>('live', 'test');
const tenantIds = fc.stringMatching(/^[a-z0-9][a-z0-9_-]{0,62}$/);
const secrets = environments.map((environment) => own.compose(environment, 'acme', randomBytes));

describe('a secret of a format with a checksum', () => {
  it('has the form of its template and a right checksum, whatever the random bytes', () => {
    fc.assert(
      fc.property(environments, fc.infiniteStream(fc.integer({ min: 0, max: 255 })), (environment, bytes) => {
        // A last byte below 248 in every draw keeps an all-refused stream from going on for ever.
        const draw = (length: number) => Buffer.from([...bytes.take(length - 1), 7]);
        const secret = own.compose(environment, 'acme', draw);
        expect(secret).toMatch(/^lk_(live|test)_[0-9A-Za-z]{39}$/);
        expect(secret.startsWith(`lk_${environment}_`)).toBe(true);
        expect(own.accepts(secret)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  it('is the same for ever: the checksum is the CRC-32 of all before it in base62 with leading zeros', () => {
    const zeros = own.compose('live', 'acme', (length) => Buffer.alloc(length));
    expect(zeros).toBe(`lk_live_${'0'.repeat(33)}0kUBi5`);
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
          expect(own.accepts(secret.slice(0, at) + replacement + secret.slice(at + 1))).toBe(false);
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
        expect(own.accepts(secret.slice(0, at) + second + first + secret.slice(at + 2))).toBe(false);
      }),
    );
  });

  it.each([
    ['a line feed after it', (secret: string) => `${secret}\n`],
    ['a space before it', (secret: string) => ` ${secret}`],
    ['a character more', (secret: string) => `${secret}0`],
    ['a character less', (secret: string) => secret.slice(0, -1)],
    ['itself after it', (secret: string) => secret + secret],
    ['nothing of it', () => ''],
  ])('is refused with %s', (_, change) => {
    expect(own.accepts(change(own.compose('live', 'acme', randomBytes)))).toBe(false);
  });
});

describe('the random part', () => {
  it('leaves out the bytes that would make some characters likelier than others', () => {
    const draws = [Buffer.alloc(66, 255), Buffer.alloc(66, 248), Buffer.alloc(66, 61)];
    const secret = own.compose('test', 'acme', () => draws.shift() as Buffer);
    expect(secret.slice(0, -6)).toBe(`lk_test_${'z'.repeat(33)}`);
    expect(draws).toHaveLength(0);
  });

  it.each([HEX, BASE36, BASE62])('takes each of %s from as many bytes as any other', (alphabet) => {
    const format = new KeyFormat({ ...WITH_TENANT, alphabet, template: '{random}', randomLength: 1 });
    const taken = new Map<string, number>();
    for (let byte = 0; byte < 256; byte += 1) {
      let draws = 0;
      const character = format.compose('live', 'acme', () => Buffer.from([draws++ === 0 ? byte : 0]));
      // A byte that was thrown away made another draw.
      if (draws === 1) taken.set(character, (taken.get(character) ?? 0) + 1);
    }
    expect([...taken.keys()].join('')).toBe(alphabet);
    expect(new Set(taken.values())).toEqual(new Set([Math.floor(256 / alphabet.length)]));
  });

  it('is as hard to guess as its length and alphabet say', () => {
    expect(randomBitsOf({ ...OWN, alphabet: HEX, randomLength: 40 })).toBe(160);
  });
});

describe('a format with the tenant id in it', () => {
  it('takes every id that a tenant can have, and the id is what stands before the last "_"', () => {
    fc.assert(
      fc.property(tenantIds, (tenantId) => {
        const secret = withTenant.compose('live', tenantId, randomBytes);
        expect(withTenant.accepts(secret)).toBe(true);
        expect(secret.slice(0, secret.lastIndexOf('_'))).toBe(`sydx_${tenantId}`);
      }),
    );
  });

  it.each(['', '_acme', '-acme', 'Acme', 'a.b', 'a'.repeat(64)])('refuses the tenant id "%s"', (tenantId) => {
    expect(withTenant.accepts(`sydx_${tenantId}_${'a'.repeat(40)}`)).toBe(false);
  });

  it('refuses another prefix, another length and another case', () => {
    const random = 'a1'.repeat(20);
    expect(withTenant.accepts(`sydx_a-b_c_${random}`)).toBe(true);
    for (const wrong of [`sk_a-b_c_${random}`, `sydx_acme_${random}0`, `sydx_acme_${random.toUpperCase()}`]) {
      expect(withTenant.accepts(wrong)).toBe(false);
    }
  });
});

describe('what a format claims', () => {
  it('is all that begins as its secrets do, where a checksum tells a broken one', () => {
    expect(own.claims('lk_')).toBe(true);
    expect(own.claims(`lk_live_${'0'.repeat(39)}`)).toBe(true);
    expect(own.claims('sk_live_1')).toBe(false);
  });

  it('is nothing where there is no checksum, or no text that every secret begins with', () => {
    expect(withTenant.claims(withTenant.compose('live', 'acme', randomBytes))).toBe(false);
    expect(new KeyFormat({ ...OWN, template: '{environment}{random}{checksum}' }).claims('live')).toBe(false);
  });
});

describe('an environment', () => {
  it('without a name in the format has no keys', () => {
    expect(() => withTenant.compose('test', 'acme', randomBytes)).toThrow(RangeError);
    expect(own.accepts(`lk_prod_${'0'.repeat(39)}`)).toBe(false);
  });
});

describe('a format', () => {
  it('accepts each secret that it composes, whatever its rules, and no longer ones than are looked at', () => {
    const names = fc.stringMatching(/^[A-Za-z0-9]{1,16}$/);
    const rules = fc.record({
      template: fc.constantFrom(
        'k_{environment}_{tenantId}_{random}',
        '{random}.{tenantId}',
        'a.b-{environment}{random}',
      ),
      environments: fc.record({ live: names, test: names }),
      alphabet: fc
        .uniqueArray(fc.constantFrom(...BASE62.split('')), { minLength: 2 })
        .map((characters) => characters.join('')),
      randomLength: fc.integer({ min: 8, max: 200 }),
      checksum: fc.constantFrom('none' as const, 'crc32' as const),
    });
    fc.assert(
      fc.property(rules, environments, tenantIds, (drawn, environment, tenantId) => {
        const template = drawn.template + (drawn.checksum === 'none' ? '' : '{checksum}');
        const format = new KeyFormat({ ...drawn, template });
        const secret = format.compose(environment, tenantId, randomBytes);
        expect(format.accepts(secret)).toBe(true);
        expect(format.accepts(`${secret}\n`)).toBe(false);
        expect(secret.length).toBeLessThanOrEqual(CREDENTIAL_BYTES_MAX);
      }),
    );
  });

  it('takes the characters of its template as they stand', () => {
    const format = new KeyFormat({ ...WITH_TENANT, template: 'a.{random}' });
    expect(format.accepts(`a.${'a'.repeat(40)}`)).toBe(true);
    expect(format.accepts(`ab${'a'.repeat(40)}`)).toBe(false);
  });
});

describe('what is wrong with a template', () => {
  it.each([OWN, WITH_TENANT, { ...WITH_TENANT, template: 'sk_live_{random}' }])(
    'is nothing for $template',
    (rules) => {
      expect(templateProblems(rules)).toEqual([]);
    },
  );

  it.each<[Partial<KeyFormatRules>, string]>([
    [{ template: 'sydx_{tenantId}' }, 'must contain {random} once'],
    [{ template: '{random}_{random}' }, 'must contain {random} once'],
    [
      { template: '{environment}{environment}{random}' },
      'must contain {environment} and {tenantId} at most once each',
    ],
    [
      { template: '{tenantId}_{tenantId}_{random}' },
      'must contain {environment} and {tenantId} at most once each',
    ],
    [
      { template: 'k_{random}', environments: { live: 'live', test: 'test' } },
      'must contain {environment}, since there is more than one',
    ],
    [{ template: 'k_{random}{checksum}' }, 'has a {checksum}, and checksum is none'],
    [{ template: 'k_{random}', checksum: 'crc32' }, 'must end with its one {checksum}'],
    [{ template: '{checksum}{random}', checksum: 'crc32' }, 'must end with its one {checksum}'],
    [
      { template: 'k_{tenantId}{random}' },
      'must set {tenantId} apart by "_", "-" or ".", like {tenantId}_{random}',
    ],
    [
      { template: 'k_{tenantId}x{random}' },
      'must set {tenantId} apart by "_", "-" or ".", like {tenantId}_{random}',
    ],
    [
      { template: 'k{tenantId}_{random}' },
      'must set {tenantId} apart by "_", "-" or ".", like {tenantId}_{random}',
    ],
    ...['k {random}', 'k_{Random}{random}', 'é{random}', '{}{random}'].map(
      (template): [Partial<KeyFormatRules>, string] => [
        { template },
        'must have letters, digits, "_", "-", "." and {environment}, {tenantId}, {random}, {checksum} only',
      ],
    ),
  ])('is, for %j, that it %s', (change, problem) => {
    expect(templateProblems({ ...WITH_TENANT, ...change })).toEqual([problem]);
  });
});
