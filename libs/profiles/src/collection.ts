import type { CollectionDocument, ForbiddenDocument } from './collections-document.request.js';
import { type JsonObject, type JsonSchema, type ObjectSchema, schemaCheck } from './json-schema.js';

export type CollectionMethod = 'GET' | 'POST' | 'PATCH' | 'DELETE';

/** Documents of one kind, as a profile declares them. */
export interface Collection {
  /** The segment of its path. */
  name: string;
  /** The collection whose documents each have some of these, and the property that names them; null: none. */
  parent: { collection: string; field: string } | null;
  idPrefix: string;
  methods: readonly CollectionMethod[];
  /** Of what clients write, in the newest version; knows no other properties. */
  schema: ObjectSchema;
  example: JsonObject;
  /** By property whose value is the id of a document: its collection. */
  references: ReadonlyMap<string, string>;
  forbidden: readonly ForbiddenChange[];
  /** Properties that are searched for words; none: it is not searched. */
  search: readonly string[];
}

/** A change of a document. */
export interface DocumentChange {
  method: CollectionMethod;
  /** As it is stored; undefined where it is new. */
  document?: JsonObject | undefined;
  body?: JsonObject | undefined;
  /** What the new body refers to, by property. */
  referenced: ReadonlyMap<string, JsonObject>;
}

/** A change that no key may make. */
export type ForbiddenChange = (change: DocumentChange) => boolean;

/** Properties that every document has besides its collection's own. */
export const OWN_PROPERTIES = ['id', 'createdAt', 'updatedAt'];

export function collectionOf(document: CollectionDocument): Collection {
  const { name, parent, idPrefix, methods, schema, example, references, forbidden, search } = document;
  return {
    name,
    parent: parent === undefined ? null : { collection: parent.collection, field: parent.field },
    idPrefix,
    methods,
    schema: closed(schema),
    example,
    references: new Map(Object.entries(references ?? {}) as [string, string][]),
    forbidden: (forbidden ?? []).map(forbiddenChangeOf),
    search: search ?? [],
  };
}

/** The path below which a collection's documents lie, its parameters in braces. */
export function pathOfCollection({ name, parent }: Pick<Collection, 'name' | 'parent'>): string {
  return parent === null ? `/${name}` : `/${parent.collection}/{${parent.field}}/${name}`;
}

/** The schema without properties that it does not name. */
function closed(schema: JsonSchema): ObjectSchema {
  return { ...(schema as ObjectSchema), additionalProperties: false };
}

function forbiddenChangeOf({ methods, document, body, referenced = {} }: ForbiddenDocument): ForbiddenChange {
  const fits = (schema: unknown) => {
    const check = schemaCheck(schema as JsonSchema);
    return (value: unknown) => value !== undefined && check(value).length === 0;
  };
  const conditions: ForbiddenChange[] = [
    ({ method }) => (methods as readonly string[]).includes(method),
    ...(document === undefined
      ? []
      : [
          (
            (is) => (change: DocumentChange) =>
              is(change.document)
          )(fits(document)),
        ]),
    ...(body === undefined
      ? []
      : [
          (
            (is) => (change: DocumentChange) =>
              is(change.body)
          )(fits(body)),
        ]),
    ...Object.entries(referenced).map(([field, schema]) => {
      const is = fits(schema);
      return (change: DocumentChange) => is(change.referenced.get(field));
    }),
  ];
  return (change) => conditions.every((holds) => holds(change));
}
