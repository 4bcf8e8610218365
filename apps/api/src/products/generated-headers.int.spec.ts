import { randomInt } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { ERROR_CAUSES, wordedError } from '#libs/profiles';
import { shippedProfiles } from '#libs/testing/shipped-profiles';
import { serveApi, type ServedApi } from '../served-api.contract.js';

jest.setTimeout(120_000);

/** What the stand-in verifier knows, by what it says of it. */
const KNOWN = ['good', 'MALFORMED', 'NOT_FOUND', 'REVOKED', 'SECRET_RETIRED', 'EXPIRED', 'TENANT_SUSPENDED'];
const CASES = 5000;
const AT_ONCE = 50;

let api: ServedApi;

beforeAll(async () => {
  api = await serveApi({ trustedProxies: ['127.0.0.1'] });
});
afterAll(() => api.close());

const token = fc.oneof(
  fc.string({ maxLength: 60 }),
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.string({ minLength: 500, maxLength: 600 }),
  fc.constantFrom(...KNOWN, ''),
);
const line = fc
  .tuple(
    fc.constantFrom('Authorization', 'authorization', 'AUTHORIZATION', 'X-Api-Key', 'Cookie', 'Accept'),
    fc.constantFrom('Bearer ', 'bearer   ', 'Bearer', 'Basic ', 'Token ', 'Bearer Bearer ', ''),
    token,
  )
  .map(([header, scheme, text]) => `${header}: ${scheme}${asHeaderText(text)}`);

/** Half of the cases are the same each time; the seed of the others is in the name of the test. */
const seeds = [20_261_123, randomInt(2 ** 31)];

describe.each(shippedProfiles.all.map((profile) => [profile.name, profile] as const))('%s', (_, profile) => {
  const { basePath, hosts } = profile;
  const host = hosts[0] === '*' ? 'api.test' : hosts[0];
  const documented = new Set([200, ...ERROR_CAUSES.map((cause) => wordedError(profile, cause, '').status)]);
  documented.delete(wordedError(profile, 'INTERNAL', '').status);

  it.each(seeds)('answers 2,500 generated credentials and headers as documented: seed %s', async (seed) => {
    const cases = fc.sample(fc.array(line, { maxLength: 3 }), { numRuns: CASES / seeds.length, seed });
    for (let from = 0; from < cases.length; from += AT_ONCE) {
      const sent = cases.slice(from, from + AT_ONCE);
      const answers = await Promise.all(
        sent.map((headers) =>
          api.send('GET', `${basePath}/whoami`, ['X-Forwarded-Proto: https', ...headers], '', host),
        ),
      );
      const strange = answers.flatMap(({ status, body }, at) =>
        documented.has(status) ? [] : [{ status, body, headers: sent[at] }],
      );
      expect(strange).toEqual([]);
    }
  });
});

/** Its bytes as they are, but for those that end every request in Node's parser before anybody sees it. */
function asHeaderText(text: string): string {
  const bytes = Buffer.from(text, 'utf8').map((byte) => (byte < 0x20 || byte === 0x7f ? 0x3f : byte));
  return Buffer.from(bytes).toString('latin1');
}
