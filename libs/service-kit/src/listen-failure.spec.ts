import { describe, expect, it } from '@jest/globals';
import { listenFailure } from './listen-failure.js';

const listener = { host: '127.0.0.1', port: 80, variable: 'LATCHKEY_API_PORT' };
const taken =
  'LATCHKEY_API_PORT: port 80 on 127.0.0.1 is taken; end the process that listens there or choose another port';

describe('a failure to listen', () => {
  it.each([
    ['Node', 'listen EADDRINUSE: address already in use 127.0.0.1:80', taken],
    [
      'gRPC',
      'No address added out of total 1 resolved errors: [listen EADDRINUSE: address already in use 127.0.0.1:80]',
      taken,
    ],
    [
      'Node',
      'listen EACCES: permission denied 127.0.0.1:80',
      'LATCHKEY_API_PORT: port 80 is not for this user to listen on; choose one above 1023',
    ],
    [
      'gRPC',
      'No address added out of total 1 resolved errors: [listen EADDRNOTAVAIL: address not available 127.0.0.1:80]',
      'LATCHKEY_BIND_HOST: 127.0.0.1 is no address of this machine',
    ],
  ])('names the variable that is to be changed, by what %s says: %s', (_, message, sentence) => {
    expect(listenFailure(new Error(message), listener)).toMatchObject({
      name: 'CannotListen',
      message: sentence,
    });
  });

  it('for another reason is left as it is', () => {
    const error = new Error('No address added out of total 1 resolved errors: []');
    expect(listenFailure(error, listener)).toBe(error);
  });
});
