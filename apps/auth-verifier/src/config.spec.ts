import { describe, expect, it } from '@jest/globals';
import { ConfigurationError, readEnvironment } from '#libs/service-kit';
import { variables } from './config.js';

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
