import type { JsonObject } from '#libs/profiles';
import type { PageEnd, PageStart } from '../lists/requested-page.js';

/** Whose documents: those of one are never seen by another. */
export interface DocumentOwner {
  tenantId: string;
  environment: 'live' | 'test';
}

export interface StoredDocument {
  id: string;
  body: JsonObject;
  /** Date of the API version that the body is written in; null: from before there were versions. */
  version: string | null;
  createdAt: Date;
  updatedAt: Date;
}

/** A list of documents: those of a collection, or those of it that lie in one document of another. */
export interface DocumentList {
  collection: string;
  /** Null: the collection lies in no other. */
  parentId: string | null;
}

export interface PageOfList {
  /** By when they were made. */
  order: 'asc' | 'desc';
  limit: number;
  /** A cursor is the `next` of an earlier page; after and before name a document of the list, itself left out. */
  from: PageStart;
  /** Words that each document must have; null: any. */
  words: string | null;
}

export interface DocumentPage extends PageEnd {
  documents: readonly StoredDocument[];
}

export interface NewDocument {
  id: string;
  body: JsonObject;
  version: string | null;
  /** What a search finds it by; null: the collection is not searched. */
  words: string | null;
}

/** All documents of one owner, within one transaction. */
export interface OwnedDocuments {
  /** Undefined where there is none. A locked one stays as it is until the transaction ends. */
  find(list: DocumentList, id: string, lock?: 'shared' | 'exclusive'): Promise<StoredDocument | undefined>;
  /** Undefined where `from` names no document of the list. */
  page(list: DocumentList, page: PageOfList): Promise<DocumentPage | undefined>;
  add(list: DocumentList, document: NewDocument): Promise<StoredDocument>;
  replace(list: DocumentList, document: NewDocument): Promise<StoredDocument>;
  /** With what lies in it. */
  remove(list: DocumentList, id: string): Promise<void>;
}

/** Keeps the documents of the products' collections. */
export abstract class Documents {
  /**
   * Runs `work` in one transaction that sees this owner's documents and no others; what it changes is kept when it
   * resolves, and undone when it rejects. Rejects with UNAVAILABLE while the store is away.
   */
  abstract of<T>(owner: DocumentOwner, work: (documents: OwnedDocuments) => Promise<T>): Promise<T>;
}
