import { randomUUID } from 'node:crypto';
import { type FieldProblem, Rejection } from '#libs/contracts';
import type { Collection, CollectionMethod, DocumentChange, JsonObject } from '#libs/profiles';
import { textProblems } from './document-text.js';
import type { DocumentList, DocumentOwner, Documents, OwnedDocuments, StoredDocument } from './documents.js';
import type { WrittenForm } from './written-form.js';

/** A collection as one request meets it. */
export interface MetCollection {
  collection: Collection;
  owner: DocumentOwner;
  /** Of the document that it lies in; null where it lies in none. */
  parentId: string | null;
  form: WrittenForm;
  /** Date of the newest version, in which documents are kept; null where there are no versions. */
  newest: string | null;
}

/** Rejects with NOT_FOUND where a document, or what it lies in, is not there; what is another's is not there either. */
export async function readDocument(
  documents: Documents,
  met: MetCollection,
  id: string,
): Promise<StoredDocument> {
  return documents.of(met.owner, async (owned) => {
    const document = await owned.find(listOf(met), id);
    if (document === undefined) throw new Rejection('NOT_FOUND');
    return document;
  });
}

/** Rejects with INVALID_REQUEST, with NOT_FOUND where it refers to what is not there, and with FORBIDDEN. */
export async function createDocument(
  documents: Documents,
  met: MetCollection,
  sent: unknown,
): Promise<StoredDocument> {
  const { collection, owner, form, newest: version } = met;
  const body = form.forward(checked(sent, form.problemsOfWhole(sent)), true);
  assertValid(form.problemsOfNewest(body));
  return documents.of(owner, async (owned) => {
    await assertParent(owned, met, 'shared');
    await assertAllowed(owned, collection, { method: 'POST', body });
    return owned.add(listOf(met), { id: newId(collection), body, version, words: wordsOf(collection, body) });
  });
}

/**
 * Makes all of them, or none, whatever keys may do in the collection. Rejects as {@link createDocument}, fields begin with
 * the line.
 */
export async function createDocuments(
  documents: Documents,
  met: MetCollection,
  sent: readonly unknown[],
): Promise<number> {
  const { collection, owner, form, newest: version } = met;
  const problems = sent.flatMap((body, at) =>
    [...form.problemsOfNewest(body), ...textProblems(body)].map(({ field, message }) => ({
      field: `line ${at + 1}: ${field}`,
      message,
    })),
  );
  assertValid(problems);
  return documents.of(owner, async (owned) => {
    for (const each of sent) {
      const body = each as JsonObject;
      await assertAllowed(owned, collection, { method: 'POST', body });
      await owned.add(listOf(met), {
        id: newId(collection),
        body,
        version,
        words: wordsOf(collection, body),
      });
    }
    return sent.length;
  });
}

/** The properties that are sent replace those that are there. Rejects as {@link createDocument}. */
export async function changeDocument(
  documents: Documents,
  met: MetCollection,
  id: string,
  sent: unknown,
): Promise<StoredDocument> {
  const { collection, owner, form, newest: version } = met;
  const change = form.forward(checked(sent, form.problemsOfPart(sent)), false);
  return documents.of(owner, async (owned) => {
    const stored = await owned.find(listOf(met), id, 'exclusive');
    if (stored === undefined) throw new Rejection('NOT_FOUND');
    await assertAllowed(owned, collection, { method: 'PATCH', document: stored.body, body: change });
    const body = { ...stored.body, ...change };
    assertValid(form.problemsOfNewest(body));
    return owned.replace(listOf(met), { id, body, version, words: wordsOf(collection, body) });
  });
}

/** Removes it for good, with what lies in it. Rejects with NOT_FOUND and with FORBIDDEN. */
export async function removeDocument(documents: Documents, met: MetCollection, id: string): Promise<void> {
  await documents.of(met.owner, async (owned) => {
    const stored = await owned.find(listOf(met), id, 'exclusive');
    if (stored === undefined) throw new Rejection('NOT_FOUND');
    await assertAllowed(owned, met.collection, { method: 'DELETE', document: stored.body });
    await owned.remove(listOf(met), id);
  });
}

/** Rejects with NOT_FOUND where the document that a collection lies in is not there. `lock` keeps it there. */
export async function assertParent(
  owned: OwnedDocuments,
  { collection, parentId }: MetCollection,
  lock?: 'shared',
): Promise<void> {
  if (collection.parent === null) return;
  const list = { collection: collection.parent.collection, parentId: null };
  const parent = await owned.find(list, parentId ?? '', lock);
  if (parent === undefined) throw new Rejection('NOT_FOUND');
}

export function listOf({
  collection,
  parentId,
}: Pick<MetCollection, 'collection' | 'parentId'>): DocumentList {
  return { collection: collection.name, parentId };
}

/**
 * What is forbidden is so whatever else is wrong with what the document refers to. What it referred to before, and is gone
 * by now, it may go on to name.
 */
async function assertAllowed(
  owned: OwnedDocuments,
  { references, forbidden }: Collection,
  change: { method: CollectionMethod; document?: JsonObject; body?: JsonObject },
): Promise<void> {
  const referenced = new Map<string, JsonObject>();
  let isMissing = false;
  for (const [field, collection] of references) {
    const id = change.body?.[field];
    if (typeof id !== 'string') continue;
    const found = await owned.find({ collection, parentId: null }, id, 'shared');
    if (found === undefined) isMissing ||= id !== change.document?.[field];
    else referenced.set(field, found.body);
  }
  const whole: DocumentChange = { ...change, referenced };
  if (forbidden.some((isForbidden) => isForbidden(whole))) throw new Rejection('FORBIDDEN');
  if (isMissing) throw new Rejection('NOT_FOUND');
}

function newId({ idPrefix }: Collection): string {
  return `${idPrefix}_${randomUUID().replaceAll('-', '')}`;
}

function checked(sent: unknown, problems: readonly FieldProblem[]): JsonObject {
  assertValid(problems);
  assertValid(textProblems(sent));
  return sent as JsonObject;
}

function assertValid(problems: readonly FieldProblem[]): void {
  if (problems.length > 0) throw new Rejection('INVALID_REQUEST', problems);
}

/** What a search finds the document by. */
function wordsOf({ search }: Collection, body: JsonObject): string | null {
  if (search.length === 0) return null;
  return search
    .map((field) => body[field])
    .filter((text) => typeof text === 'string')
    .join(' ');
}
