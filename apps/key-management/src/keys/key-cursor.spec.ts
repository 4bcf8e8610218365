import { describe, expect, it } from '@jest/globals';
import { cursorAfter, keyIdOfCursor } from './key-cursor.js';
import type { KeyListing } from './key-reads.js';

const KEY_ID = 'key_00112233445566778899aabbccddee';
const listing: KeyListing = { order: 'newest', environment: 'live', statuses: ['active', 'expired'] };
const cursor = cursorAfter(KEY_ID, listing);

describe('a cursor of a list of keys', () => {
  it('names the last key of its page, whichever way round the statuses are asked for', () => {
    expect(keyIdOfCursor(cursor, listing)).toBe(KEY_ID);
    expect(keyIdOfCursor(cursor, { ...listing, statuses: ['expired', 'active'] })).toBe(KEY_ID);
  });

  it.each<Partial<KeyListing>>([
    { order: 'oldest' },
    { environment: 'test' },
    { environment: null },
    { statuses: ['active'] },
  ])('is refused in a list with %j', (other) => {
    expect(() => keyIdOfCursor(cursor, { ...listing, ...other })).toThrow(
      expect.objectContaining({
        code: 'INVALID_REQUEST',
        fields: [expect.objectContaining({ field: 'cursor' })],
      }),
    );
  });

  it.each<[string, string]>([
    ['nothing', ''],
    ['no base64url', '\u0000'],
    ['no JSON', 'nonsense'],
    ['no list', Buffer.from('null').toString('base64url')],
    ['an empty list', Buffer.from('[]').toString('base64url')],
    ['another way to write the same', `${cursor}=`],
    ['an id that is none', cursorAfter('key_\u0000', listing)],
    ['a list for an id', cursorAfter([KEY_ID] as unknown as string, listing)],
  ])('is refused where it is %s', (_, made) => {
    expect(() => keyIdOfCursor(made, listing)).toThrow('The request is not valid.');
  });
});
