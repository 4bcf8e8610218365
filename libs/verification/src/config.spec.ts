import { describe, expect, it } from '@jest/globals';
import { ConfigurationError, readEnvironment } from '#libs/service-kit';
import { verificationVariables } from './config.js';

const { legacyKeyPatterns, onLapse } = verificationVariables;
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

describe('LATCHKEY_ON_LAPSE', () => {
  const readLapse = (text: string) => readEnvironment({ onLapse }, { LATCHKEY_ON_LAPSE: text }).onLapse;

  it('is deny unless it says otherwise', () => {
    expect(readLapse('')).toBe('deny');
    expect(readLapse('serveStale')).toBe('serveStale');
    expect(() => readLapse('allow')).toThrow(ConfigurationError);
  });
});
