import type { QueryRunner } from 'typeorm';
import type { JsonObject } from '#libs/profiles';
import type { PostgresDatabase } from '#libs/service-kit/postgres-database';
import type { PageStart } from '../lists/requested-page.js';
import {
  type DocumentList,
  type DocumentOwner,
  type DocumentPage,
  Documents,
  type NewDocument,
  type OwnedDocuments,
  type PageOfList,
  type StoredDocument,
} from './documents.js';

interface Row {
  id: string;
  position: string;
  body: JsonObject;
  version: string | null;
  createdAt: Date;
  updatedAt: Date;
}

const COLUMNS = 'id, position, body, version, created_at as "createdAt", updated_at as "updatedAt"';
/** The owner is named besides the policy of the table, so that indices are used by it. */
const OF_OWNER = 'tenant_id = $1 and environment = $2';
/** Most documents that one page of a search looks through: no index of words serves under row-level security. */
const SCANNED_MAX = 5000;

/** Through a list by its index, from a position on. */
interface Walk {
  from: string;
  order: string;
  /** The aggregate of the position that is walked to last. */
  last: 'max' | 'min';
}
const ASCENDING = walkOf('>', 'asc', 'max');
const DESCENDING = walkOf('<', 'desc', 'min');

interface Walked {
  rows: Row[];
  /** Where a search stopped that did not look through the rest of the list; null: it did. */
  scannedTo: string | null;
}

/**
 * Of one transaction: its environment; that every statement goes by an index, each of which has the rows in order; and
 * how long it may wait, so that what one tenant does cannot keep all connections from the others. The planner takes what
 * the row policy lets through for a small part of a table, and would read all of a tenant's to sort them.
 */
const SCOPE = `select set_config('latchkey.environment', $1, true),
  set_config('enable_bitmapscan', 'off', true), set_config('enable_seqscan', 'off', true),
  set_config('lock_timeout', '2s', true), set_config('statement_timeout', '10s', true)`;

const LOCKS = { shared: ' for share', exclusive: ' for update' } as const;

/** Documents in the schema `api`, by row-level security each owner's alone. */
export class PostgresDocuments extends Documents {
  constructor(private readonly database: PostgresDatabase) {
    super();
  }

  override of<T>(owner: DocumentOwner, work: (documents: OwnedDocuments) => Promise<T>): Promise<T> {
    return this.database.inTransaction(owner.tenantId, async (transaction) => {
      await transaction.query(SCOPE, [owner.environment]);
      return work(new OwnedPostgresDocuments(transaction, owner));
    });
  }
}

class OwnedPostgresDocuments implements OwnedDocuments {
  constructor(
    private readonly transaction: QueryRunner,
    private readonly owner: DocumentOwner,
  ) {}

  async find(
    { collection, parentId }: DocumentList,
    id: string,
    lock?: keyof typeof LOCKS,
  ): Promise<StoredDocument | undefined> {
    const [row] = await this.rows<Row>(
      `select ${COLUMNS} from api.documents
       where ${OF_OWNER} and collection = $3 and id = $4 and parent_id = $5${lock === undefined ? '' : LOCKS[lock]}`,
      [collection, id, parentId ?? ''],
    );
    return row && documentOf(row);
  }

  async page(list: DocumentList, page: PageOfList): Promise<DocumentPage | undefined> {
    const { order, limit, from, words } = page;
    const start = await this.startOf(list, from);
    if (start === undefined) return undefined;
    // What lies before a document is walked to from it, and turned round again.
    const backward = from !== null && 'before' in from;
    const walk = (order === 'asc') !== backward ? ASCENDING : DESCENDING;
    const place = [list.collection, list.parentId ?? '', start];
    // One more than asked for tells whether there are more.
    const { rows, scannedTo } =
      words === null
        ? await this.walked(walk, place, limit + 1)
        : await this.searched(walk, place, limit + 1, words);
    const shown = rows.slice(0, limit);
    const next = rows.length > limit ? (shown.at(-1)?.position ?? null) : scannedTo;
    return {
      documents: (backward ? shown.toReversed() : shown).map(documentOf),
      next,
      hasMore: next !== null,
    };
  }

  async add(list: DocumentList, { id, body, version, words }: NewDocument): Promise<StoredDocument> {
    const { collection, parentId } = list;
    const [end] = await this.rows<{ position: string }>(
      `insert into api.collection_ends as ends (tenant_id, environment, collection, last_position)
       values ($1, $2, $3, 1)
       on conflict (tenant_id, environment, collection) do update set last_position = ends.last_position + 1
       returning last_position as position`,
      [collection],
    );
    const [row] = await this.rows<Row>(
      `insert into api.documents
         (tenant_id, environment, collection, id, parent_id, position, body, version, words, created_at, updated_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8, to_tsvector('simple', $9), clock_timestamp(), clock_timestamp())
       returning ${COLUMNS}`,
      [collection, id, parentId ?? '', end?.position, JSON.stringify(body), version, words],
    );
    return documentOf(row as Row);
  }

  async replace(
    { collection }: DocumentList,
    { id, body, version, words }: NewDocument,
  ): Promise<StoredDocument> {
    const [row] = await this.rows<Row>(
      `with changed as (
         update api.documents
         set body = $5, version = $6, words = to_tsvector('simple', $7), updated_at = greatest(updated_at, clock_timestamp())
         where ${OF_OWNER} and collection = $3 and id = $4 returning *
       ) select ${COLUMNS} from changed`,
      [collection, id, JSON.stringify(body), version, words],
    );
    return documentOf(row as Row);
  }

  async remove({ collection }: DocumentList, id: string): Promise<void> {
    // One statement for each index.
    await this.rows(`delete from api.documents where ${OF_OWNER} and collection = $3 and id = $4`, [
      collection,
      id,
    ]);
    await this.rows(`delete from api.documents where ${OF_OWNER} and parent_id = $3 and parent_id <> ''`, [
      id,
    ]);
  }

  private async walked(walk: Walk, place: readonly unknown[], limit: number): Promise<Walked> {
    const rows = await this.rows<Row>(`select ${COLUMNS} from ${walk.from} limit $6`, [...place, limit]);
    return { rows, scannedTo: null };
  }

  /** What was looked through and what was found there are of one statement: two would see two states of the list. */
  private async searched(
    walk: Walk,
    place: readonly unknown[],
    limit: number,
    words: string,
  ): Promise<Walked> {
    const rows = await this.rows<(Row | { id: null }) & { scannedTo: string | null }>(
      `with scanned as materialized (
         select id, position, words @@ websearch_to_tsquery('simple', $7) as matches
         from ${walk.from} limit ${SCANNED_MAX}
       ), shown as (select id from scanned where matches order by ${walk.order} limit $6)
       select ${COLUMNS}, scanned_to as "scannedTo"
       from (select case when count(*) = ${SCANNED_MAX} then ${walk.last}(position) end as scanned_to from scanned) scan
       left join api.documents on ${OF_OWNER} and collection = $3 and id = any(array(select id from shown))
       order by ${walk.order}`,
      [...place, limit, words],
    );
    return { rows: rows.filter((row) => row.id !== null), scannedTo: rows[0]?.scannedTo ?? null };
  }

  /** The position next to which a page begins; null: at the end; undefined: there is no such document. */
  private async startOf(list: DocumentList, from: PageStart): Promise<string | null | undefined> {
    if (from === null) return null;
    if ('cursor' in from) return from.cursor;
    const id = 'after' in from ? from.after : from.before;
    const [row] = await this.rows<Row>(
      `select position from api.documents
       where ${OF_OWNER} and collection = $3 and id = $4 and parent_id = $5`,
      [list.collection, id, list.parentId ?? ''],
    );
    return row?.position;
  }

  private rows<R>(sql: string, parameters: readonly unknown[]): Promise<R[]> {
    const { tenantId, environment } = this.owner;
    return this.transaction.query(sql, [tenantId, environment, ...parameters]);
  }
}

function documentOf({ id, body, version, createdAt, updatedAt }: Row): StoredDocument {
  return { id, body, version, createdAt, updatedAt };
}

function walkOf(beyond: string, direction: string, last: Walk['last']): Walk {
  const order = `position ${direction}`;
  return {
    from: `api.documents where ${OF_OWNER} and collection = $3 and parent_id = $4
      and ($5::bigint is null or position ${beyond} $5) order by ${order}`,
    order,
    last,
  };
}
