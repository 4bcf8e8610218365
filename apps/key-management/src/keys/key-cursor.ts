import { Rejection } from '#libs/contracts';
import { isKeyId } from './key-id.js';
import type { KeyListing } from './key-reads.js';

/**
 * Where a list goes on: after the key that it names. It belongs to one listing alone, and as it names a key and no place,
 * a made-up one leads nowhere but to another key of the same tenant.
 */
export function cursorAfter(keyId: string, { order, environment, statuses }: KeyListing): string {
  return Buffer.from(JSON.stringify([order, environment, statuses.toSorted(), keyId])).toString('base64url');
}

/** The key that a cursor names. Throws INVALID_REQUEST on one that was not given for this listing. */
export function keyIdOfCursor(cursor: string, listing: KeyListing): string {
  const keyId = lastPart(cursor);
  if (typeof keyId !== 'string' || !isKeyId(keyId) || cursor !== cursorAfter(keyId, listing)) {
    throw foreignCursor();
  }
  return keyId;
}

export function foreignCursor(): Rejection {
  return new Rejection('INVALID_REQUEST', [
    { field: 'cursor', message: 'must be the nextCursor of an earlier page' },
  ]);
}

function lastPart(cursor: string): unknown {
  try {
    const parts = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as unknown;
    return Array.isArray(parts) ? parts.at(-1) : undefined;
  } catch {
    // Whatever is not one of our cursors is refused alike.
    return undefined;
  }
}
