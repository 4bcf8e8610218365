import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import pg from 'pg';
import type { QueryRunner } from 'typeorm';
import { createLogger, type RoleUrls } from '#libs/service-kit';
import { bootstrapDatabase } from '#libs/service-kit/postgres-bootstrap';
import { PostgresDatabase } from '#libs/service-kit/postgres-database';
import { stackUrls } from '#libs/testing/stack';
import { createTestDatabase, type TestDatabase } from '#libs/testing/test-database';
import type { PageStart } from '../lists/requested-page.js';
import { CreateDocuments1764200000000 } from '../migrations/1764200000000-create-documents.js';
import { FindDocumentsInside1764400000000 } from '../migrations/1764400000000-find-documents-inside.js';
import type { DocumentOwner, OwnedDocuments } from './documents.js';
import { PostgresDocuments } from './postgres-documents.js';

jest.setTimeout(120_000);

const PASSWORDS = { api: { owner: 'latchkey_api_owner', runtime: 'latchkey_api' } };
const NOTES = { collection: 'notes', parentId: null };

let test: TestDatabase;
let urls: RoleUrls;
let database: PostgresDatabase;
let admin: pg.Client;
let documents: PostgresDocuments;
let owner: DocumentOwner;

beforeAll(async () => {
  test = await createTestDatabase(stackUrls().databaseAdminUrl);
  urls = (await bootstrapDatabase(test.adminUrl, PASSWORDS)).api;
  const migrations = [CreateDocuments1764200000000, FindDocumentsInside1764400000000];
  const options = { ...urls, schema: 'api', migrations, connectionsMax: 8 };
  database = new PostgresDatabase(options, createLogger('documents-test', 'silent'));
  admin = new pg.Client({ connectionString: test.adminUrl });
  await Promise.all([database.ready, admin.connect()]);
  documents = new PostgresDocuments(database);
});
afterAll(async () => {
  await Promise.all([database?.close(), admin?.end()]);
  await test?.drop();
});
beforeEach(() => {
  owner = { tenantId: randomUUID(), environment: 'live' };
});

const note = (title: string, id = `note_${randomUUID()}`) => ({
  id,
  body: { title },
  version: null,
  words: title,
});
const add = (title: string, list = NOTES, of = owner) =>
  documents.of(of, (owned) => owned.add(list, note(title)));

/** The same, with something done after every statement. */
function documentsWith(
  after: (sql: string, parameters: unknown[], transaction: QueryRunner) => Promise<void>,
): PostgresDocuments {
  const inTransaction: PostgresDatabase['inTransaction'] = (tenantId, work) =>
    database.inTransaction(tenantId, (transaction) =>
      work({
        query: async (sql: string, parameters: unknown[]) => {
          const rows: unknown = await transaction.query(sql, parameters);
          await after(sql, parameters, transaction);
          return rows;
        },
      } as unknown as QueryRunner),
    );
  return new PostgresDocuments({ inTransaction } as PostgresDatabase);
}

/** All that a list shows, page by page in one direction. */
async function walked(
  {
    order,
    limit,
    words = null,
    by,
  }: { order: 'asc' | 'desc'; limit: number; words?: string | null; by: 'cursor' | 'after' | 'before' },
  between: () => Promise<unknown> = async () => undefined,
): Promise<string[]> {
  const titles: string[] = [];
  let from: PageStart = null;
  if (by === 'before') {
    // From the far end back: its last document is where the walk begins.
    const far = await documents.of(owner, (owned) =>
      owned.page(NOTES, { order: order === 'asc' ? 'desc' : 'asc', limit: 1, from: null, words }),
    );
    const last = far?.documents[0];
    if (last === undefined) return [];
    titles.push(last.body['title'] as string);
    from = { before: last.id };
  }
  for (;;) {
    const page = await documents.of(owner, (owned: OwnedDocuments) =>
      owned.page(NOTES, { order, limit, from, words }),
    );
    if (page === undefined) throw new Error('the page begins nowhere');
    const shown = page.documents.map(({ body }) => body['title'] as string);
    if (by === 'before') titles.unshift(...shown);
    else titles.push(...shown);
    const edge = by === 'before' ? page.documents[0] : page.documents.at(-1);
    if (!page.hasMore) return titles;
    if (by === 'cursor') from = { cursor: page.next as string };
    else if (edge !== undefined) from = by === 'after' ? { after: edge.id } : { before: edge.id };
    await between();
  }
}

describe('documents in PostgreSQL', () => {
  it('are listed in the order they were made or the other way round, whatever the page', async () => {
    const titles = Array.from({ length: 9 }, (_, n) => `n${n}`);
    for (const title of titles) await add(title);
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('asc' as const, 'desc' as const),
        fc.integer({ min: 1, max: 10 }),
        fc.constantFrom('cursor' as const, 'after' as const, 'before' as const),
        async (order, limit, by) => {
          const expected = order === 'asc' ? titles : titles.toReversed();
          expect(await walked({ order, limit, by })).toEqual(expected);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('show everyone who walks through a list each document once, none twice and none left out, while others are added', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.constantFrom('asc' as const, 'desc' as const),
        fc.constantFrom('cursor' as const, 'after' as const, 'before' as const),
        async (limit, order, by) => {
          owner = { tenantId: randomUUID(), environment: 'live' };
          const there = Array.from({ length: 8 }, (_, n) => `there ${n}`);
          for (const title of there) await add(title);
          const added: Promise<unknown>[] = [];
          const titles = await walked({ order, limit, by }, async () => {
            // Not for ever: who walks towards the newest would never come to the end.
            if (added.length >= 8) return;
            // Two at once, one of which is still under way when the next page is read.
            added.push(add(`added ${added.length}`), add(`added too ${added.length}`));
            await Promise.race(added.slice(-2));
          });
          await Promise.all(added);
          expect(new Set(titles).size).toBe(titles.length);
          const old = titles.filter((title) => title.startsWith('there'));
          expect(old).toEqual(order === 'asc' ? there : there.toReversed());
        },
      ),
      { numRuns: 25 },
    );
  });

  it('never show a later document before an earlier one can be seen: who walks on misses none', async () => {
    let goOn: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    await add('first');
    let isFirst: () => void = () => undefined;
    const first = new Promise<void>((resolve) => {
      isFirst = resolve;
    });
    const slow = documents.of(owner, async (owned) => {
      await owned.add(NOTES, note('slow'));
      isFirst();
      await held;
    });
    await first;
    const quick = add('quick');
    // Neither is there yet: the quick one waits for the place of the slow one.
    expect(await walked({ order: 'asc', limit: 10, by: 'cursor' })).toEqual(['first']);
    goOn();
    await Promise.all([slow, quick]);
    expect(await walked({ order: 'asc', limit: 1, by: 'cursor' })).toEqual(['first', 'slow', 'quick']);
  });

  it('begin a page at no document of another list, tenant or environment, and at none that was removed', async () => {
    const { id } = await add('mine');
    const removed = await add('removed');
    await documents.of(owner, (owned) => owned.remove(NOTES, removed.id));
    const page = (of: DocumentOwner, list: typeof NOTES, from: PageStart) =>
      documents.of(of, (owned) => owned.page(list, { order: 'asc', limit: 1, from, words: null }));
    for (const start of ['after', 'before'] as const) {
      const from = (of: string) => ({ [start]: of }) as unknown as PageStart;
      expect(await page(owner, NOTES, from(id))).toBeDefined();
      expect(await page(owner, NOTES, from(removed.id))).toBeUndefined();
      expect(await page(owner, NOTES, from('note_unknown'))).toBeUndefined();
      expect(await page(owner, { ...NOTES, collection: 'others' }, from(id))).toBeUndefined();
      expect(await page({ ...owner, environment: 'test' }, NOTES, from(id))).toBeUndefined();
      expect(await page({ ...owner, tenantId: 'another' }, NOTES, from(id))).toBeUndefined();
    }
  });

  it('are found by their words, on as many pages as it takes', async () => {
    for (let n = 0; n < 12; n += 1) await add(n % 3 === 0 ? `paid refund ${n}` : `other ${n}`);
    const refunds = ['paid refund 0', 'paid refund 3', 'paid refund 6', 'paid refund 9'];
    for (const limit of [1, 3, 10]) {
      expect(await walked({ order: 'asc', limit, words: 'refund', by: 'cursor' })).toEqual(refunds);
    }
    expect(await walked({ order: 'desc', limit: 2, words: 'refund -9', by: 'cursor' })).toEqual(
      refunds.slice(0, 3).toReversed(),
    );
    expect(await walked({ order: 'asc', limit: 2, words: '!&|:* ( "', by: 'cursor' })).toEqual([]);
  });

  it('are searched some thousand a page, and the search goes on from there', async () => {
    await admin.query(
      `insert into api.documents
         (tenant_id, environment, collection, id, parent_id, position, body, words, created_at, updated_at)
       select $1, 'live', 'notes', 'note_' || n, '', n, json_build_object('title', n),
         to_tsvector('simple', n::text), now(), now() from generate_series(1, 12000) n`,
      [owner.tenantId],
    );
    const first = await documents.of(owner, (owned) =>
      owned.page(NOTES, { order: 'asc', limit: 5, from: null, words: '11999' }),
    );
    expect(first).toEqual({ documents: [], next: '5000', hasMore: true });
    expect(await walked({ order: 'asc', limit: 5, words: '11999', by: 'cursor' })).toEqual([11_999]);
  });

  it('are searched in one state of the list, whatever is added and removed meanwhile', async () => {
    await admin.query(
      `insert into api.documents
         (tenant_id, environment, collection, id, parent_id, position, body, words, created_at, updated_at)
       select $1, 'live', 'notes', 'note_' || n, '', n, json_build_object('title', n),
         to_tsvector('simple', n::text), now(), now() from generate_series(1, 6000) n`,
      [owner.tenantId],
    );
    let removed = 0;
    // After every statement one more of those that were looked through is gone.
    const searched = documentsWith(async (sql) => {
      if (!/from api.documents/.test(sql)) return;
      removed += 1;
      await admin.query(`delete from api.documents where tenant_id = $1 and position = $2`, [
        owner.tenantId,
        removed,
      ]);
    });
    const page = { order: 'asc', limit: 5, words: '5001 or 5002' } as const;
    const first = await searched.of(owner, (owned) => owned.page(NOTES, { ...page, from: null }));
    expect(removed).toBeGreaterThan(0);
    const rest = await documents.of(owner, (owned) =>
      owned.page(NOTES, { ...page, from: { cursor: first?.next ?? '' } }),
    );
    expect(first?.documents).toEqual([]);
    expect(rest?.documents.map(({ id }) => id)).toEqual(['note_5001', 'note_5002']);
  });

  it('are removed by an index, and what lies in them too', async () => {
    await admin.query(
      `insert into api.documents
         (tenant_id, environment, collection, id, parent_id, position, body, created_at, updated_at)
       select $1, 'live', 'notes', 'note_' || n, '', n, '{}', now(), now() from generate_series(1, 5000) n`,
      [owner.tenantId],
    );
    await admin.query('analyze api.documents');
    const plans: string[] = [];
    const explained = documentsWith(async (sql, parameters, transaction) => {
      if (sql.startsWith('delete'))
        plans.push(JSON.stringify(await transaction.query(`explain ${sql}`, parameters)));
    });
    await explained.of(owner, (owned) => owned.remove(NOTES, 'note_1'));
    expect(plans).toHaveLength(2);
    for (const plan of plans) expect(plan).toMatch(/Index Cond: \((?=[^)]*.*\b(id|parent_id) = )/);
    expect(plans[0]).toContain('using documents_pkey');
    expect(plans[1]).toContain('using documents_inside');
  });

  it('do not keep who waits for one of them for long', async () => {
    const { id } = await add('held');
    let release = () => {};
    let locked = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    const isLocked = new Promise<void>((resolve) => (locked = resolve));
    const holding = documents.of(owner, async (owned) => {
      await owned.find(NOTES, id, 'exclusive');
      locked();
      await held;
    });
    try {
      await isLocked;
      await documents.of(owner, (owned) => owned.find(NOTES, id));
      const waiting = documents.of(owner, (owned) => owned.find(NOTES, id, 'exclusive'));
      await expect(waiting).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    } finally {
      release();
      await holding;
    }
  });

  it('take with them what lies in them', async () => {
    const parent = await add('parent', { collection: 'conversations', parentId: null });
    const inside = { collection: 'messages', parentId: parent.id };
    const message = await add('message', inside as unknown as typeof NOTES);
    await documents.of(owner, (owned) =>
      owned.remove({ collection: 'conversations', parentId: null }, parent.id),
    );
    expect(await documents.of(owner, (owned) => owned.find(inside, message.id))).toBeUndefined();
  });

  it('are all kept or none, when a transaction fails', async () => {
    const failing = documents.of(owner, async (owned) => {
      await owned.add(NOTES, note('lost'));
      throw new Error('something else failed');
    });
    await expect(failing).rejects.toThrow('something else failed');
    expect(await walked({ order: 'asc', limit: 5, by: 'cursor' })).toEqual([]);
  });

  it('that wait for each other fail for one of the two, who may try again', async () => {
    const [a, b] = await Promise.all([add('a'), add('b')]);
    let arrived = 0;
    let release = () => {};
    const bothHold = new Promise<void>((resolve) => (release = resolve));
    const holding = (own: string, other: string) =>
      documents.of(owner, async (owned) => {
        await owned.find(NOTES, own, 'exclusive');
        arrived += 1;
        if (arrived === 2) release();
        await bothHold;
        return owned.find(NOTES, other, 'shared');
      });
    const ends = await Promise.allSettled([holding(a.id, b.id), holding(b.id, a.id)]);
    const [failed] = ends.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[];
    expect(ends.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    expect(failed?.reason).toMatchObject({ code: 'UNAVAILABLE', retryAfterSeconds: 1 });
  });

  it('are walked to by an index from any place, however many there are', async () => {
    await admin.query(
      `insert into api.documents
         (tenant_id, environment, collection, id, parent_id, position, body, created_at, updated_at)
       select $1, 'live', 'notes', 'note_' || n, '', n, '{}', now(), now() from generate_series(1, 5000) n`,
      [owner.tenantId],
    );
    await admin.query('analyze api.documents');
    const client = new pg.Client({ connectionString: urls.runtimeUrl });
    await client.connect();
    try {
      await client.query(
        `select set_config('latchkey.tenant_id', $1, false), set_config('latchkey.environment', 'live', false)`,
        [owner.tenantId],
      );
      for (const [beyond, direction] of [
        ['>', 'asc'],
        ['<', 'desc'],
      ]) {
        const { rows } = await client.query<{ 'QUERY PLAN': string }>(
          `explain select id from api.documents where tenant_id = '${owner.tenantId}' and environment = 'live'
             and collection = 'notes' and parent_id = '' and position ${beyond} 2500
           order by position ${direction} limit 100`,
        );
        const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
        expect(plan).toMatch(/Index (Only )?Scan.* using documents_listed/);
        expect(plan).not.toMatch(/Sort|Seq Scan/);
      }
    } finally {
      await client.end();
    }
  });
});

describe('row-level security of documents', () => {
  const seen = async (settings: Record<string, string>, url = urls.runtimeUrl) => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      for (const [name, value] of Object.entries(settings))
        await client.query(`select set_config('latchkey.${name}', $1, false)`, [value]);
      const { rows } = await client.query<{ count: number }>(
        'select count(*)::int as count from api.documents',
      );
      return rows[0]?.count;
    } finally {
      await client.end();
    }
  };

  it('shows the documents of one tenant and environment, and nobody those of all', async () => {
    await add('live');
    await add('test', NOTES, { ...owner, environment: 'test' });
    const { tenantId } = owner;
    expect(await seen({ tenant_id: tenantId, environment: 'live' })).toBe(1);
    expect(await seen({ tenant_id: tenantId })).toBe(0);
    expect(await seen({ environment: 'live' })).toBe(0);
    expect(await seen({ tenant_id: '*', environment: 'live' })).toBe(0);
    expect(await seen({})).toBe(0);
  });

  it('holds the owner of the tables too', async () => {
    await add('live');
    expect(await seen({ tenant_id: owner.tenantId, environment: 'live' }, urls.migrationUrl)).toBe(1);
    expect(await seen({}, urls.migrationUrl)).toBe(0);
  });

  it('lets nobody write for another', async () => {
    const crossing = database.inTransaction(owner.tenantId, async (transaction) => {
      await transaction.query(`select set_config('latchkey.environment', 'live', true)`);
      await transaction.query(
        `insert into api.documents
           (tenant_id, environment, collection, id, parent_id, position, body, created_at, updated_at)
         values ('another', 'live', 'notes', 'x', '', 1, '{}', now(), now())`,
      );
    });
    await expect(crossing).rejects.toThrow(/row-level security/);
  });
});
