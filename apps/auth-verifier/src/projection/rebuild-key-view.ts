import type { SealedRecord } from '#libs/contracts';
import type { RecordId } from '#libs/key-view';
import type { KeyAuthority, RecordPage } from '#libs/verification';
import { carriedRecord } from './lifecycle-records.js';
import { type Projection, projectRecords } from './project-records.js';

/** How many records key-management has, and how many of them were refused. */
export interface RebuildCounts {
  secrets: number;
  tenants: number;
  refused: number;
}

/**
 * Puts the latest state of everything into the view and marks it complete. Several may do so at once, and while
 * messages arrive: the newer record stays. Rejects when key-management or the view goes away, or the view is emptied
 * meanwhile; what was put by then is right, and it can be done again.
 */
export async function rebuildKeyView(
  projection: Projection,
  authority: KeyAuthority,
): Promise<RebuildCounts> {
  let first: RecordId | undefined;
  let refused = 0;

  async function putAll(
    kind: RecordId['kind'],
    pageAt: (cursor: string) => Promise<RecordPage>,
  ): Promise<number> {
    let count = 0;
    for await (const records of pages(pageAt)) {
      count += records.length;
      const carried = records.flatMap((sealed) => carriedRecord(kind, sealed) ?? []);
      const projected = await projectRecords(projection, carried);
      refused += records.length - projected.length;
      first ??= projected[0];
    }
    return count;
  }

  const tenants = await putAll('tenant', (cursor) => authority.listTenants(cursor));
  const secrets = await putAll('secret', (cursor) => authority.listSecrets(cursor));
  // The first record put shows whether the view was emptied since: then it lacks what was put before that.
  if (first !== undefined && (await projection.view.find([first]))[0] === undefined) {
    throw new Error('the view was emptied while it was being rebuilt');
  }
  await projection.view.markComplete();
  return { secrets, tenants, refused };
}

async function* pages(
  pageAt: (cursor: string) => Promise<RecordPage>,
): AsyncGenerator<SealedRecord[], void, undefined> {
  let cursor = '';
  do {
    const { records, nextCursor } = await pageAt(cursor);
    yield records;
    cursor = nextCursor;
  } while (cursor !== '');
}
