import type { JsonObject } from '#libs/profiles';
import type { MetCollection } from './document-commands.js';
import type { StoredDocument } from './documents.js';
import { shownOf } from './written-form.js';

/** A document as the product's users see it in their version. */
export function documentResourceOf(
  { collection, parentId, form }: Pick<MetCollection, 'collection' | 'parentId' | 'form'>,
  { id, body, createdAt, updatedAt }: StoredDocument,
): JsonObject {
  return {
    id,
    ...(collection.parent !== null && { [collection.parent.field]: parentId }),
    ...shownOf(form, body),
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
  };
}
