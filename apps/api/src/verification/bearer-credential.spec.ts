import { shownCredential } from './bearer-credential.js';

describe('shownCredential', () => {
  it.each([
    ['a Bearer token', ['Host', 'x', 'Authorization', 'Bearer abc'], { credential: 'abc' }],
    ['a scheme in any case and several spaces', ['authorization', 'bEARER   abc'], { credential: 'abc' }],
    ['512 bytes', ['Authorization', `Bearer ${'a'.repeat(512)}`], { credential: 'a'.repeat(512) }],
    ['no header', ['Host', 'x'], { refused: 'missing' }],
    ['a value that is called Authorization', ['X-Header', 'Authorization'], { refused: 'missing' }],
    ['an empty header', ['Authorization', ''], { refused: 'missing' }],
    ['another scheme', ['Authorization', 'Basic abc'], { refused: 'missing' }],
    ['the scheme alone', ['Authorization', 'Bearer'], { refused: 'missing' }],
    ['an empty token', ['Authorization', 'Bearer '], { refused: 'malformed' }],
    ['513 bytes', ['Authorization', `Bearer ${'a'.repeat(513)}`], { refused: 'malformed' }],
    ['a space inside', ['Authorization', 'Bearer a b'], { refused: 'malformed' }],
    ['bytes above ASCII', ['Authorization', 'Bearer caf\u00e9'], { refused: 'malformed' }],
    ['a control character', ['Authorization', 'Bearer a\u0001b'], { refused: 'malformed' }],
    ['two headers', ['Authorization', 'Bearer a', 'authorization', 'Bearer b'], { refused: 'malformed' }],
    [
      'the same header twice',
      ['Authorization', 'Bearer a', 'Authorization', 'Bearer a'],
      { refused: 'malformed' },
    ],
  ] as const)('reads %s', (_, rawHeaders, shown) => {
    expect(shownCredential(rawHeaders)).toEqual(shown);
  });
});
