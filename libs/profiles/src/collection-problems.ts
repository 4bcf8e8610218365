import { OWN_PROPERTIES } from './collection.js';
import type { CollectionDocument } from './collections-document.request.js';
import { type JsonSchema, schemaCheck, schemaProblem } from './json-schema.js';

/** Every contradiction in and among the collections, each as `path: sentence`. */
export function collectionProblems(collections: readonly CollectionDocument[]): string[] {
  const names = collections.map(({ name }) => name);
  const prefixes = collections.map(({ idPrefix }) => idPrefix);
  return [
    ...repeated(names).map((name) => `collections: names ${name} twice`),
    ...repeated(prefixes).map((prefix) => `collections: has the idPrefix ${prefix} twice`),
    ...collections.flatMap((collection, at) => {
      const path = `collections.${at}`;
      const schema = ownSchemaProblems(collection);
      if (schema.length > 0) return schema.map((problem) => `${path}.schema: ${problem}`);
      return [
        ...parentProblems(collection, collections),
        ...referenceProblems(collection, names),
        ...forbiddenProblems(collection),
        ...searchProblems(collection),
        ...schemaCheck({ ...collection.schema, additionalProperties: false })(collection.example).map(
          ({ field, message }) => `example.${field}: ${message}`,
        ),
      ].map((problem) => `${path}.${problem}`);
    }),
  ];
}

function ownSchemaProblems({ schema, parent }: CollectionDocument): string[] {
  const problem = schemaProblem(schema);
  if (problem !== undefined) return [problem];
  const { type, properties, additionalProperties, required, ...rest } = schema;
  if (type !== 'object' || typeof properties !== 'object' || properties === null) {
    return ['must have the type object and properties'];
  }
  const own = [...OWN_PROPERTIES, ...(parent === undefined ? [] : [parent.field])];
  const foreign = Object.keys(rest).filter((name) => name !== 'description');
  const unknown = ((required ?? []) as string[]).filter((name) => !Object.hasOwn(properties, name));
  return [
    ...own
      .filter((name) => Object.hasOwn(properties, name))
      .map((name) => `names ${name}, which every document has`),
    ...(additionalProperties === undefined || additionalProperties === false
      ? []
      : ['cannot allow additionalProperties']),
    ...(foreign.length === 0
      ? []
      : [`has ${foreign.join(', ')} beside type, properties, required and description`]),
    ...unknown.map((name) => `requires ${name}, which is none of its properties`),
  ];
}

function parentProblems(
  { parent }: CollectionDocument,
  collections: readonly CollectionDocument[],
): string[] {
  if (parent === undefined) return [];
  const found = collections.find(({ name }) => name === parent.collection);
  if (found === undefined) return [`parent.collection: names no collection: ${parent.collection}`];
  return found.parent === undefined ? [] : ['parent.collection: has a parent itself'];
}

function referenceProblems(
  { references = {}, schema }: CollectionDocument,
  names: readonly string[],
): string[] {
  return Object.entries(references).flatMap(([field, collection]) => [
    ...(typeof collection === 'string' && names.includes(collection)
      ? []
      : [`references.${field}: names no collection: ${String(collection)}`]),
    ...(typeOf(schema, field) === 'string' ? [] : [`references.${field}: is no text of the schema`]),
  ]);
}

function forbiddenProblems({ forbidden = [], references = {}, methods }: CollectionDocument): string[] {
  return forbidden.flatMap((rule, at) => {
    const path = `forbidden.${at}`;
    const schemas = [
      ...Object.entries({ document: rule.document, body: rule.body }),
      ...Object.entries(rule.referenced ?? {}).map(
        ([field, schema]) => [`referenced.${field}`, schema] as const,
      ),
    ].filter(([, schema]) => schema !== undefined);
    const unused = rule.methods.filter((method) => !methods.includes(method));
    return [
      ...schemas.flatMap(([place, schema]) => {
        const problem = schemaProblem(schema);
        return problem === undefined ? [] : [`${path}.${place}: ${problem}`];
      }),
      ...Object.keys(rule.referenced ?? {})
        .filter((field) => !Object.hasOwn(references, field))
        .map((field) => `${path}.referenced: names ${field}, which is none of the references`),
      ...unused.map((method) => `${path}.methods: names ${method}, which the collection does not have`),
      ...(schemas.length > 0 ? [] : [`${path}: must say when`]),
    ];
  });
}

function searchProblems({ search = [], schema }: CollectionDocument): string[] {
  return search
    .filter((field) => typeOf(schema, field) !== 'string')
    .map((field) => `search: names ${field}, which is no text of the schema`);
}

function typeOf({ properties }: JsonSchema, field: string): unknown {
  const known = properties as Readonly<Record<string, JsonSchema | undefined>>;
  return Object.hasOwn(known, field) ? known[field]?.['type'] : undefined;
}

function repeated(names: readonly string[]): string[] {
  return [...new Set(names.filter((name, at) => names.indexOf(name) < at))];
}
