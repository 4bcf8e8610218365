import { describe, expect, it } from '@jest/globals';
import { readEnvironment } from '#libs/service-kit';
import { redisVariables } from './config.js';

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
