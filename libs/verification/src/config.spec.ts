import { describe, expect, it } from '@jest/globals';
import { ConfigurationError, readEnvironment } from '#libs/service-kit';
import { verificationVariables } from './config.js';

const { onLapse } = verificationVariables;

describe('LATCHKEY_ON_LAPSE', () => {
  const readLapse = (text: string) => readEnvironment({ onLapse }, { LATCHKEY_ON_LAPSE: text }).onLapse;

  it('is deny unless it says otherwise', () => {
    expect(readLapse('')).toBe('deny');
    expect(readLapse('serveStale')).toBe('serveStale');
    expect(() => readLapse('allow')).toThrow(ConfigurationError);
  });
});
