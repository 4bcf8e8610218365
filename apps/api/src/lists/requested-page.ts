import { Rejection } from '#libs/contracts';
import type { Profile } from '#libs/profiles';
import type { CursorSeal } from './sealed-cursor.js';

/** A request for a page, its form checked. */
interface PageRequest {
  limit: number;
  order: 'asc' | 'desc';
  cursor?: string;
  skip?: string;
  take?: string;
  query?: string;
}

/** Where a page begins; null: at the list's own beginning. */
export type PageStart = { cursor: string } | { after: string } | { before: string } | null;

/** A page of one list, as its product lets it be asked for. */
export interface RequestedPage {
  limit: number;
  order: 'asc' | 'desc';
  from: PageStart;
  words: string | null;
  /** The body of the answer. */
  answered<Item>(data: Item[], end: PageEnd): ListAnswer<Item>;
  /** Throws what tells that `from` names no object of the list. */
  refuseStart(): never;
}

/** Where a page ended: the place that the next one begins at, null where there is none to be asked for by a cursor. */
export interface PageEnd {
  next: string | null;
  /** Whether the list goes on in the direction that was walked. */
  hasMore: boolean;
}

/** One of the two, as the product's paging is. */
export interface ListAnswer<Item> {
  data: Item[];
  nextCursor?: string | null;
  hasMore?: boolean;
}

/** The list that is asked for: everything that tells it from others, in a fixed order, and whether it is searched. */
export interface RequestedList {
  name: readonly string[];
  isSearched: boolean;
}

/** Rejects with INVALID_REQUEST what the product's lists do not take, and cursors that are not of this list. */
export function requestedPage(
  { name: product, paging }: Pick<Profile, 'name' | 'paging'>,
  list: RequestedList,
  request: PageRequest,
  seal: CursorSeal,
): RequestedPage {
  const { limit, order, cursor, skip, take, query } = request;
  const byCursor = paging === 'cursor';
  const unknown = [
    ...(byCursor ? (['skip', 'take'] as const) : (['cursor'] as const)),
    ...(list.isSearched ? [] : (['query'] as const)),
  ].filter((field) => request[field] !== undefined);
  if (unknown.length > 0) {
    throw new Rejection(
      'INVALID_REQUEST',
      unknown.map((field) => ({ field, message: 'is unknown' })),
    );
  }
  if (skip !== undefined && take !== undefined) refuse('take', 'cannot be used together with skip');
  if (query?.includes('\0') === true) refuse('query', 'must be text without NUL');
  const sealedFor = [product, ...list.name, order, query ?? ''];
  const refuseStart = () =>
    refuse(take === undefined ? 'skip' : 'take', 'is the id of no object of this list');
  const anchor = skip ?? take;
  if (anchor !== undefined && !/^[A-Za-z0-9_-]+$/.test(anchor)) refuseStart();
  let from: PageStart = null;
  if (cursor !== undefined) {
    const place = seal.open(sealedFor, cursor);
    if (place === undefined) refuse('cursor', 'must be the nextCursor of an earlier page of this list');
    from = { cursor: place };
  } else if (skip !== undefined) from = { after: skip };
  else if (take !== undefined) from = { before: take };
  return {
    limit,
    order,
    from,
    words: query ?? null,
    answered: (data, { next, hasMore }) =>
      byCursor ? { data, nextCursor: next === null ? null : seal.seal(sealedFor, next) } : { data, hasMore },
    refuseStart,
  };
}

function refuse(field: string, message: string): never {
  throw new Rejection('INVALID_REQUEST', [{ field, message }]);
}
