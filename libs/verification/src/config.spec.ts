import { describe, expect, it } from '@jest/globals';
import { ConfigurationError, readEnvironment } from '#libs/service-kit';
import { redisVariables, variables } from './config.js';

const { legacyKeyPatterns } = variables;
const read = (text: string) =>
  readEnvironment({ legacyKeyPatterns }, { LATCHKEY_LEGACY_KEY_PATTERNS: text }).legacyKeyPatterns;

describe('LATCHKEY_LEGACY_KEY_PATTERNS', () => {
  it('is no pattern by default', () => {
    expect(read('')).toEqual([]);
  });

  it('is several patterns separated by white space, each over the whole credential', () => {
    const patterns = read(' ^sk_[0-9a-f]{3,4}$\n ^a|b$ ');
    const matches = (text: string) => patterns.some((pattern) => pattern.test(text));
    expect(['sk_abc', 'a', 'b'].every(matches)).toBe(true);
    expect(['sk_ab', 'xsk_abc', 'sk_abcde', 'ax', 'xb'].some(matches)).toBe(false);
  });

  it.each(['sk_.*', '^sk_', 'sk_$', '^($'])('refuses the pattern %s', (pattern) => {
    expect(() => read(pattern)).toThrow(ConfigurationError);
  });
});

describe('REDIS_TLS_CA_FILE', () => {
  const withAuthority = (REDIS_URL: string) =>
    readEnvironment(redisVariables, { REDIS_URL, REDIS_TLS_CA_FILE: '/ca.pem' });

  it('is taken with a URL that asks for TLS', () => {
    expect(withAuthority('rediss://:password@redis:6379')).toMatchObject({ redisTlsCaFile: '/ca.pem' });
  });

  it.each(['redis://:password@redis:6379', 'REDISS://redis:6379'])(
    'is refused with %s, which connects without TLS, and the URL is not repeated',
    (redisUrl) => {
      expect(() => withAuthority(redisUrl)).toThrow(
        expect.objectContaining({
          problems: ['REDIS_TLS_CA_FILE is set, but REDIS_URL does not begin with rediss://'],
        }),
      );
    },
  );
});
