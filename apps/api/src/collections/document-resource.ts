import type { JsonObject } from '#libs/profiles';
import type { MetCollection } from './document-commands.js';
import type { StoredDocument } from './documents.js';

/** A document as the product's users see it in their version. */
export function documentResourceOf(
  { collection, parentId, form }: Pick<MetCollection, 'collection' | 'parentId' | 'form'>,
  { id, body, createdAt, updatedAt }: StoredDocument,
): JsonObject {
  const shown = form.back(body);
  return {
    id,
    ...(collection.parent !== null && { [collection.parent.field]: parentId }),
    // In the order of the schema: the store does not keep that of the request.
    ...Object.fromEntries(
      Object.keys(form.shown.properties)
        .filter((name) => shown[name] !== undefined)
        .map((name) => [name, shown[name]]),
    ),
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
  };
}
