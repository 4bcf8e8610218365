import { describe, expect, it } from '@jest/globals';
import { ConfigurationError, readEnvironment } from '#libs/service-kit';
import { variables } from './config.js';

const { profiles, redisUrl } = variables;

/** The problems that a configuration has, or the names of its profiles. */
function read(environment: Record<string, string>): readonly string[] {
  try {
    return readEnvironment({ profiles }, environment).profiles.names;
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems;
    throw error;
  }
}

describe('the profiles of an api', () => {
  it('are the default one unless others are named', () => {
    expect(read({})).toEqual(['default']);
    expect(read({ LATCHKEY_PROFILES: 'default,seyn' })).toEqual(['default', 'seyn']);
  });

  it('cannot take HTTPS alone where nothing tells what came over HTTPS', () => {
    const synaptiq = { LATCHKEY_PROFILES: 'default,synaptiq' };
    expect(read(synaptiq)).toEqual([
      'LATCHKEY_PROFILES has synaptiq, HTTPS only: set LATCHKEY_API_TLS_CERT_FILE and ' +
        'LATCHKEY_API_TLS_KEY_FILE, or LATCHKEY_TRUSTED_PROXIES',
    ]);
    expect(read({ ...synaptiq, LATCHKEY_TRUSTED_PROXIES: ' ' })).toHaveLength(1);
    expect(read({ ...synaptiq, LATCHKEY_TRUSTED_PROXIES: '10.0.0.0/8' })).toEqual(['default', 'synaptiq']);
    expect(read({ ...synaptiq, LATCHKEY_API_TLS_CERT_FILE: 'api.pem' })).toEqual(['default', 'synaptiq']);
  });

  it('with mistakes are told each', () => {
    expect(read({ LATCHKEY_PROFILES: 'default,nobody,Other' })[0]).toMatch(
      /nobody\.yaml: there is no such file[^]*Other\.yaml: there is no such file/,
    );
  });
});

describe('the Redis of an api', () => {
  it('is none unless one is named, which must be a URL of one', () => {
    expect(readEnvironment({ redisUrl }, {}).redisUrl).toBe('');
    expect(() => readEnvironment({ redisUrl }, { REDIS_URL: 'localhost' })).toThrow(ConfigurationError);
  });
});
