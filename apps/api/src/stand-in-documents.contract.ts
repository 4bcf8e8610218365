/** Documents and versions in memory, for the specs: what PostgreSQL does with them is proven on PostgreSQL. */
import {
  type DocumentList,
  type DocumentOwner,
  type DocumentPage,
  Documents,
  type NewDocument,
  type OwnedDocuments,
  type PageOfList,
  type StoredDocument,
} from './collections/documents.js';
import { AccountVersions } from './versions/account-versions.js';

/** Variables of an api whose PostgreSQL is away. */
export const POSTGRES_AWAY = {
  DATABASE_URL: 'postgres://127.0.0.1:1/latchkey',
  DATABASE_MIGRATION_URL: 'postgres://127.0.0.1:1/latchkey',
  LATCHKEY_CURSOR_KEY: 'cursors-of-the-specs',
};

interface Kept extends StoredDocument {
  owner: string;
  collection: string;
  parentId: string | null;
}

export class StandInDocuments extends Documents {
  readonly kept: Kept[] = [];
  fault: Error | undefined;

  override async of<T>(
    { tenantId, environment }: DocumentOwner,
    work: (documents: OwnedDocuments) => Promise<T>,
  ): Promise<T> {
    if (this.fault !== undefined) throw this.fault;
    const owner = `${tenantId} ${environment}`;
    const at = ({ collection, parentId }: DocumentList, id: string) =>
      this.kept.findIndex(
        (each) =>
          each.owner === owner &&
          each.collection === collection &&
          each.parentId === parentId &&
          each.id === id,
      );
    return work({
      find: async (list, id) => this.kept[at(list, id)],
      page: async (list, page) => this.page(owner, list, page),
      add: async (list, document) => {
        const kept = { ...stored(document, new Date()), ...list, owner };
        this.kept.push(kept);
        return kept;
      },
      replace: async (list, document) => {
        const known = this.kept[at(list, document.id)] as Kept;
        return Object.assign(known, stored(document, known.createdAt));
      },
      remove: async (list, id) => void this.kept.splice(at(list, id), 1),
    });
  }

  private page(
    owner: string,
    { collection, parentId }: DocumentList,
    { order, limit, from }: PageOfList,
  ): DocumentPage | undefined {
    const own = this.kept.filter(
      (each) => each.owner === owner && each.collection === collection && each.parentId === parentId,
    );
    const ordered = order === 'asc' ? own : own.toReversed();
    let [start, end] = [0, limit];
    if (from !== null) {
      const id = Object.values(from)[0] as string;
      const at = ordered.findIndex((each) => each.id === id);
      if (at < 0) return undefined;
      [start, end] = 'before' in from ? [Math.max(0, at - limit), at] : [at + 1, at + 1 + limit];
    }
    const documents = ordered.slice(start, end);
    const hasMore = from !== null && 'before' in from ? start > 0 : end < ordered.length;
    return { documents, hasMore, next: hasMore ? (documents.at(-1)?.id ?? null) : null };
  }
}

function stored({ id, body, version }: NewDocument, createdAt: Date): StoredDocument {
  return { id, body, version, createdAt, updatedAt: new Date() };
}

export class StandInAccountVersions extends AccountVersions {
  readonly versions = new Map<string, string>();

  override async pinned(tenantId: string, newest: string): Promise<string> {
    const version = this.versions.get(tenantId) ?? newest;
    this.versions.set(tenantId, version);
    return version;
  }

  override async upgrade(tenantId: string, version: string): Promise<string> {
    const known = this.versions.get(tenantId) ?? version;
    this.versions.set(tenantId, known > version ? known : version);
    return this.versions.get(tenantId) as string;
  }
}
