import type { Rejection } from '#libs/contracts';
import { requestedPage } from './requested-page.js';
import { CursorSeal } from './sealed-cursor.js';

const seal = new CursorSeal('a-secret-of-the-api');
const byCursor = { name: 'sydx', paging: 'cursor' } as const;
const byObjects = { name: 'syntropy', paging: 'object-ids' } as const;
const LIST = { name: ['acme', 'live', 'contacts', ''], isSearched: false };
const WISH = { limit: 20, order: 'desc' } as const;

function refusal(attempt: () => unknown): unknown {
  try {
    attempt();
    return undefined;
  } catch (error) {
    return (error as Rejection).fields;
  }
}

describe('a page that is asked for', () => {
  it('goes on where the one before it ended, by its cursor', () => {
    const first = requestedPage(byCursor, LIST, WISH, seal);
    expect(first.from).toBeNull();
    const { data, nextCursor } = first.answered([1, 2], { next: '42', hasMore: true });
    expect(data).toEqual([1, 2]);
    const cursor = nextCursor as string;
    expect(requestedPage(byCursor, LIST, { ...WISH, limit: 5, cursor }, seal).from).toEqual({ cursor: '42' });
    expect(first.answered([], { next: null, hasMore: false })).toEqual({ data: [], nextCursor: null });
  });

  it('opens no cursor of another tenant, environment, list, order, search or product', () => {
    const cursor = requestedPage(byCursor, LIST, WISH, seal).answered([], { next: '42', hasMore: true })
      .nextCursor as string;
    const other = (at: number) => ({
      ...LIST,
      name: LIST.name.map((part, n) => (n === at ? 'other' : part)),
    });
    const searched = { ...LIST, isSearched: true };
    const message = 'must be the nextCursor of an earlier page of this list';
    for (const attempt of [
      ...LIST.name.map((_, at) => () => requestedPage(byCursor, other(at), { ...WISH, cursor }, seal)),
      () => requestedPage(byCursor, LIST, { ...WISH, order: 'asc', cursor }, seal),
      () => requestedPage(byCursor, searched, { ...WISH, query: 'x', cursor }, seal),
      () => requestedPage({ ...byCursor, name: 'seyn' }, LIST, { ...WISH, cursor }, seal),
      () => requestedPage(byCursor, LIST, { ...WISH, cursor: '42' }, seal),
    ]) {
      expect(refusal(attempt)).toEqual([{ field: 'cursor', message }]);
    }
  });

  it('is after or before an object where the product pages so, never both, and tells whether there is more', () => {
    expect(requestedPage(byObjects, LIST, { ...WISH, skip: 'con_1' }, seal).from).toEqual({ after: 'con_1' });
    const page = requestedPage(byObjects, LIST, { ...WISH, take: 'con_1' }, seal);
    expect(page.from).toEqual({ before: 'con_1' });
    expect(page.answered([1], { next: null, hasMore: true })).toEqual({ data: [1], hasMore: true });
    expect(refusal(() => requestedPage(byObjects, LIST, { ...WISH, skip: 'a', take: 'b' }, seal))).toEqual([
      { field: 'take', message: 'cannot be used together with skip' },
    ]);
  });

  it('is refused in the same words for an id that cannot be one as for one that is not there', () => {
    const page = requestedPage(byObjects, LIST, { ...WISH, skip: 'con_unknown' }, seal);
    const words = refusal(() => page.refuseStart());
    expect(words).toEqual([{ field: 'skip', message: 'is the id of no object of this list' }]);
    for (const skip of ['a b', '\0', 'é', "'"]) {
      expect(refusal(() => requestedPage(byObjects, LIST, { ...WISH, skip }, seal))).toEqual(words);
    }
  });

  it('takes no parameter that its list does not have', () => {
    const unknown = (field: string) => [{ field, message: 'is unknown' }];
    expect(refusal(() => requestedPage(byCursor, LIST, { ...WISH, skip: 'a' }, seal))).toEqual(
      unknown('skip'),
    );
    expect(refusal(() => requestedPage(byCursor, LIST, { ...WISH, take: 'a' }, seal))).toEqual(
      unknown('take'),
    );
    expect(refusal(() => requestedPage(byObjects, LIST, { ...WISH, cursor: 'a' }, seal))).toEqual(
      unknown('cursor'),
    );
    expect(refusal(() => requestedPage(byCursor, LIST, { ...WISH, query: 'a' }, seal))).toEqual(
      unknown('query'),
    );
    const searched = { ...LIST, isSearched: true };
    expect(requestedPage(byCursor, searched, { ...WISH, query: 'a' }, seal).words).toBe('a');
    expect(refusal(() => requestedPage(byCursor, searched, { ...WISH, query: '\0' }, seal))).toBeDefined();
  });
});
