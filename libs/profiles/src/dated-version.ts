import { OWN_PROPERTIES } from './collection.js';
import { type JsonObject, type JsonSchema, type ObjectSchema, schemaCheck } from './json-schema.js';
import type {
  ValuePairDocument,
  VersionChangeDocument,
  VersionDocument,
} from './versions-document.request.js';

/** A version of a product's API. */
export interface DatedVersion {
  /** `YYYY-MM-DD`. */
  date: string;
  /** What it changed, for people. */
  changeLog: readonly string[];
  /** What sets it apart from the version before. */
  changes: readonly VersionChange[];
}

/** What is shown of a document in one version, in its order: each property, and how it is read from the document as it is kept. */
export type ShownMembers = ReadonlyMap<string, (body: JsonObject) => unknown>;

/**
 * One incompatible change, as pure functions between two adjacent versions: documents are kept in the newest, requests
 * of older ones are brought forward and answers brought back, step by step.
 */
export interface VersionChange {
  collection: string;
  /** What a client sends, from the older version to the newer. `whole`: not only what is to be changed. */
  forward(body: JsonObject, whole: boolean): JsonObject;
  /** What a client is shown, from the newer version to the older; worked out once for all documents. */
  back(members: ShownMembers): ShownMembers;
  /** The collection's schema, from the newer version to the older. Throws an Error where it does not fit. */
  schemaBack(schema: ObjectSchema): ObjectSchema;
  /** As {@link schemaBack}, of what is shown. */
  shownBack(schema: ObjectSchema): ObjectSchema;
}

export function datedVersionOf({ date, changeLog, changes }: VersionDocument): DatedVersion {
  return { date, changeLog, changes: changes.map(versionChangeOf) };
}

/** The change that a profile's document describes. Throws an Error, to complete "change …", where it lacks something. */
export function versionChangeOf(document: VersionChangeDocument): VersionChange {
  const { collection, kind } = document;
  const given = Object.keys(document).filter(
    (name) => document[name as keyof VersionChangeDocument] !== undefined,
  );
  const takes = MEMBERS[kind];
  const missing = takes.filter((name) => !given.includes(name));
  if (missing.length > 0) throw new Error(`must say ${missing.join(' and ')}`);
  const foreign = given.filter((name) => !['collection', 'kind', 'property', ...takes].includes(name));
  if (foreign.length > 0) throw new Error(`says ${foreign.join(' and ')}, which ${kind} does not take`);
  return { collection, ...STEPS[kind](document) };
}

const MEMBERS: Readonly<Record<VersionChangeDocument['kind'], readonly string[]>> = {
  renamed: ['before'],
  'values-renamed': ['values'],
  required: ['absentMeans'],
  replaced: ['schema', 'by', 'pairs'],
  removed: ['schema', 'shows'],
};

type Steps = Omit<VersionChange, 'collection'>;

const STEPS: Readonly<Record<VersionChangeDocument['kind'], (document: VersionChangeDocument) => Steps>> = {
  renamed: ({ property, before = '' }) => renamed(before, property),
  'values-renamed': ({ property, values = {} }) => valuesRenamed(property, new Map(Object.entries(values))),
  required: ({ property, absentMeans }) => required(property, absentMeans),
  replaced: ({ property, schema = {}, by = '', pairs = [] }) => replaced(property, schema, by, pairs),
  removed: ({ property, schema = {}, shows }) => removed(property, schema, shows),
};

function renamed(older: string, newer: string): Steps {
  const schemaBack = (schema: ObjectSchema) => {
    assertHas(schema, newer);
    assertLacks(schema, older);
    return {
      ...schema,
      properties: withName(schema.properties, newer, older),
      ...(schema.required && { required: schema.required.map((name) => (name === newer ? older : name)) }),
    };
  };
  return {
    forward: (body) => withName(body, older, newer),
    back: (members) => new Map([...members].map(([name, read]) => [name === newer ? older : name, read])),
    schemaBack,
    shownBack: schemaBack,
  };
}

function valuesRenamed(property: string, newerByOlder: ReadonlyMap<string, unknown>): Steps {
  const olderByNewer = new Map([...newerByOlder].map(([older, newer]) => [newer, older]));
  const schemaBack = (schema: ObjectSchema) => {
    assertHas(schema, property);
    const { enum: newer, ...rest } = schema.properties[property] as JsonSchema & { enum?: unknown[] };
    const unknown = [...newerByOlder.values()].filter((value) => newer?.includes(value) !== true);
    if (unknown.length > 0)
      throw new Error(`names values that ${property} does not have: ${unknown.join(', ')}`);
    const older = (newer ?? []).map((value) => olderByNewer.get(value) ?? value);
    if (new Set(older).size < older.length)
      throw new Error(`gives two values of ${property} the same older one`);
    if (olderByNewer.size < newerByOlder.size)
      throw new Error(`gives two older values of ${property} the same newer one`);
    return { ...schema, properties: { ...schema.properties, [property]: { ...rest, enum: older } } };
  };
  return {
    forward(body) {
      const value = body[property] as string;
      return newerByOlder.has(value) ? { ...body, [property]: newerByOlder.get(value) } : body;
    },
    back: (members) =>
      new Map(
        [...members].map(([name, read]) => [
          name,
          name === property ? asCalledBefore(read, olderByNewer) : read,
        ]),
      ),
    schemaBack,
    shownBack: schemaBack,
  };
}

function required(property: string, absentMeans: unknown): Steps {
  return {
    forward: (body, whole) =>
      whole && body[property] === undefined ? { ...body, [property]: absentMeans } : body,
    back: (members) => members,
    schemaBack(schema) {
      assertHas(schema, property);
      if (schema.required?.includes(property) !== true) throw new Error(`needs ${property} to be required`);
      assertValid({ ...schema, required: [property] }, { [property]: absentMeans }, 'absentMeans');
      return { ...schema, required: schema.required.filter((name) => name !== property) };
    },
    // Answers of either version have it.
    shownBack: (schema) => schema,
  };
}

/** What a request says by the older property it means, whatever it says by the newer, which it may only repeat. */
function replaced(
  property: string,
  propertySchema: JsonSchema,
  by: string,
  pairs: readonly ValuePairDocument[],
): Steps {
  const newerByOlder = new Map(pairs.map(({ older, newer }) => [older, newer]));
  const olderByNewer = new Map(pairs.map(({ older, newer }) => [newer, older]));
  const schemaBack = (schema: ObjectSchema) => {
    assertHas(schema, by);
    assertLacks(schema, property);
    assertSame(valuesOf(propertySchema), newerByOlder, property);
    assertSame(valuesOf(schema.properties[by] as JsonSchema), olderByNewer, by);
    return { ...schema, properties: { ...schema.properties, [property]: propertySchema } };
  };
  return {
    forward(body) {
      if (body[property] === undefined) return body;
      const { [property]: older, ...rest } = body;
      return { ...rest, [by]: newerByOlder.get(older) };
    },
    back: (members) => new Map([...members, [property, (body: JsonObject) => olderByNewer.get(body[by])]]),
    schemaBack,
    shownBack(schema) {
      const { required = [] } = schema;
      return { ...schemaBack(schema), required: required.includes(by) ? [...required, property] : required };
    },
  };
}

function removed(property: string, propertySchema: JsonSchema, shows: unknown): Steps {
  const schemaBack = (schema: ObjectSchema) => {
    assertLacks(schema, property);
    assertValid(propertySchema, shows, 'shows');
    return { ...schema, properties: { ...schema.properties, [property]: propertySchema } };
  };
  return {
    forward: (body) => Object.fromEntries(Object.entries(body).filter(([name]) => name !== property)),
    back: (members) => new Map([...members, [property, () => shows]]),
    schemaBack,
    shownBack: (schema) => ({
      ...schemaBack(schema),
      required: [...(schema.required ?? []), property],
    }),
  };
}

function asCalledBefore(read: (body: JsonObject) => unknown, olderByNewer: ReadonlyMap<unknown, unknown>) {
  return (body: JsonObject) => {
    const value = read(body);
    return olderByNewer.has(value) ? olderByNewer.get(value) : value;
  };
}

/** With one member under another name, in its place. */
function withName<Value>(
  object: Readonly<Record<string, Value>>,
  from: string,
  to: string,
): Record<string, Value> {
  return Object.fromEntries(
    Object.entries(object).map(([name, value]) => [name === from ? to : name, value]),
  );
}

/** The values that a schema allows, where they are few; undefined where they are not listed. */
function valuesOf({ enum: listed, type }: JsonSchema & { enum?: unknown[] }): readonly unknown[] | undefined {
  return listed ?? (type === 'boolean' ? [false, true] : undefined);
}

function assertSame(
  allowed: readonly unknown[] | undefined,
  paired: ReadonlyMap<unknown, unknown>,
  name: string,
): void {
  if (allowed?.length !== paired.size || allowed.some((value) => !paired.has(value)))
    throw new Error(`must pair every value of ${name}, which must be listed in its schema`);
}

function assertValid(schema: JsonSchema, value: unknown, member: string): void {
  const [problem] = schemaCheck(schema)(value);
  if (problem !== undefined) throw new Error(`has a wrong ${member}: it ${problem.message}`);
}

function assertHas({ properties }: ObjectSchema, name: string): void {
  if (!Object.hasOwn(properties, name))
    throw new Error(`names ${name}, which the newer version does not have`);
}

function assertLacks({ properties }: ObjectSchema, name: string): void {
  if (OWN_PROPERTIES.includes(name)) throw new Error(`names ${name}, which every document has`);
  if (Object.hasOwn(properties, name)) throw new Error(`names ${name}, which the newer version has`);
}
