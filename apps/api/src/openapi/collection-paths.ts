import { type Collection, type ErrorCause, pathOfCollection, type Profile } from '#libs/profiles';
import { partOf, shownOf, type WrittenForm } from '../collections/written-form.js';
import { errorResponses } from './error-responses.js';
import { listParameters, listSchema } from './list-parts.js';
import { headersOf } from './response-headers.js';
import type {
  JsonSchemaObject,
  OperationObject,
  ParameterObject,
  PathsObject,
  ResponseObject,
} from './openapi-object.js';

const EXAMPLE_HEX = '5f0d2c6b8a1e4f3d9c7b5a3f1e0d2c4b';
const EXAMPLE_TIME = '2026-11-22T10:00:00.000Z';
const WITHOUT_NUL = '^[^\\u0000]*$';
const JSON_TYPE = 'application/json';
const WRITTEN: readonly ErrorCause[] = ['INVALID_REQUEST', 'PAYLOAD_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE'];

/** What the description of a collection needs besides it. */
export interface DescribedApi {
  profile: Profile;
  /** Parameters of every list, whoever takes which of them. */
  listParameters: readonly ParameterObject[];
  /** Of every request. */
  parameters: readonly ParameterObject[];
}

/** The paths of one collection and the schemas they name. */
export function collectionPaths(
  api: DescribedApi,
  collection: Collection,
  form: WrittenForm,
): { paths: PathsObject; schemas: Record<string, JsonSchemaObject> } {
  const { profile } = api;
  const name = schemaName(collection);
  const schemas = {
    [name]: shownSchema(collection, form),
    ...(collection.methods.includes('POST') && { [`${name}Create`]: storable(form.written) }),
    ...(collection.methods.includes('PATCH') && { [`${name}Change`]: storable(changeSchema(form)) }),
  };
  const path = profile.basePath + pathOfCollection(collection);
  const operations = operationsOf(api, collection, form);
  const pathsAt = (place: Place) =>
    Object.fromEntries(
      operations.filter((each) => each.place === place).map(({ method, operation }) => [method, operation]),
    );
  const paths = Object.fromEntries(
    [[path, pathsAt('list')] as const, [`${path}/{id}`, pathsAt('document')] as const].filter(
      ([, at]) => Object.keys(at).length > 0,
    ),
  );
  return { paths, schemas };
}

type Place = 'list' | 'document';

interface PlacedOperation {
  place: Place;
  method: 'get' | 'post' | 'patch' | 'delete';
  operation: OperationObject;
}

function operationsOf(api: DescribedApi, collection: Collection, form: WrittenForm): PlacedOperation[] {
  const { profile } = api;
  const name = schemaName(collection);
  const ref = { $ref: `#/components/schemas/${name}` };
  const example = exampleOf(collection, form, exampleParentId(profile, collection));
  const parentId = exampleParentId(profile, collection);
  const path = [...api.parameters, ...parentParameters(collection, parentId)];
  const ofOne = [...path, parameter('id', example['id'])];
  const answer = (description: string, content?: JsonSchemaObject, shown?: unknown): ResponseObject => ({
    description,
    headers: headersOf(profile),
    ...(content && { content: { [JSON_TYPE]: { schema: content, example: shown } } }),
  });
  const operation = (
    what: Pick<OperationObject, 'operationId' | 'summary' | 'parameters' | 'requestBody'>,
    good: Record<string, ResponseObject>,
    causes: readonly ErrorCause[],
  ): OperationObject => ({
    ...what,
    description: `${what.summary}.`,
    tags: [collection.name],
    security: [{ bearer: [] }],
    responses: { ...good, ...errorResponses(profile, causes) },
  });
  const missing: ErrorCause[] = ['NOT_FOUND'];
  const ofList: ErrorCause[] = ['INVALID_REQUEST', ...(collection.parent === null ? [] : missing)];
  const refers = collection.references.size > 0 || collection.parent !== null;
  const isSearched = collection.search.length > 0;
  const end = profile.paging === 'cursor' ? { nextCursor: null } : { hasMore: false };
  const page = { data: [example], ...end };
  const bodyOf = (schema: string, shown: unknown) => ({
    required: true,
    content: { [JSON_TYPE]: { schema: { $ref: `#/components/schemas/${schema}` }, example: shown } },
  });
  const written = writtenExample(collection, form);
  const all: Record<string, PlacedOperation[]> = {
    GET: [
      {
        place: 'list',
        method: 'get',
        operation: operation(
          {
            operationId: `list${name}`,
            summary: `Lists ${collection.name}, the newest first unless asked otherwise`,
            parameters: [...path, ...listParameters(profile, { isSearched }, api.listParameters)],
          },
          { 200: answer('A page of the list.', listSchema(profile, ref), page) },
          ofList,
        ),
      },
      {
        place: 'document',
        method: 'get',
        operation: operation(
          { operationId: `read${name}`, summary: `Reads one of ${collection.name}`, parameters: ofOne },
          { 200: answer('It.', ref, example) },
          missing,
        ),
      },
    ],
    POST: [
      {
        place: 'list',
        method: 'post',
        operation: operation(
          {
            operationId: `create${name}`,
            summary: `Makes one of ${collection.name}`,
            parameters: path,
            requestBody: bodyOf(`${name}Create`, written),
          },
          { 201: created(answer('It is made.', ref, example)) },
          [...WRITTEN, ...(refers ? missing : [])],
        ),
      },
    ],
    PATCH: [
      {
        place: 'document',
        method: 'patch',
        operation: operation(
          {
            operationId: `change${name}`,
            summary: `Replaces properties of one of ${collection.name}`,
            parameters: ofOne,
            requestBody: bodyOf(`${name}Change`, written),
          },
          { 200: answer('As it is now.', ref, example) },
          [...WRITTEN, ...missing],
        ),
      },
    ],
    DELETE: [
      {
        place: 'document',
        method: 'delete',
        operation: operation(
          {
            operationId: `remove${name}`,
            summary: `Removes one of ${collection.name}, for good`,
            parameters: ofOne,
          },
          { 204: answer('It is gone.') },
          missing,
        ),
      },
    ],
  };
  return collection.methods.flatMap((method) => all[method] ?? []);
}

function created(answer: ResponseObject): ResponseObject {
  const location = { description: 'Path of what was made.', schema: { type: 'string' } };
  return { ...answer, headers: { Location: location, ...answer.headers } };
}

/** `request-templates` is `RequestTemplates`. */
function schemaName({ name, parent }: Collection): string {
  const pascal = (text: string) =>
    text.replaceAll(/(?:^|-)([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
  return (parent === null ? '' : pascal(parent.collection)) + pascal(name);
}

function shownSchema({ idPrefix, parent }: Collection, { shown }: WrittenForm): JsonSchemaObject {
  const time = { type: 'string', format: 'date-time', example: EXAMPLE_TIME };
  return {
    type: 'object',
    required: [
      'id',
      ...(parent === null ? [] : [parent.field]),
      ...(shown.required ?? []),
      'createdAt',
      'updatedAt',
    ],
    properties: {
      id: { type: 'string', example: `${idPrefix}_${EXAMPLE_HEX}` },
      ...(parent !== null && { [parent.field]: { type: 'string' } }),
      ...shown.properties,
      createdAt: time,
      updatedAt: time,
    },
  };
}

function changeSchema({ written }: WrittenForm): JsonSchemaObject {
  return { ...partOf(written), minProperties: 1 };
}

/** Texts hold no NUL, which the store cannot keep. */
function storable(schema: JsonSchemaObject): JsonSchemaObject {
  const { type, pattern, enum: values, format } = schema;
  const isText = type === 'string' && pattern === undefined && values === undefined && format === undefined;
  return Object.fromEntries([
    ...Object.entries(schema).map(([name, value]) => [
      name,
      name === 'properties'
        ? mapped(value as Record<string, JsonSchemaObject>)
        : name === 'items'
          ? storable(value as JsonSchemaObject)
          : value,
    ]),
    ...(isText ? [['pattern', WITHOUT_NUL]] : []),
  ]) as JsonSchemaObject;
}

function mapped(schemas: Readonly<Record<string, JsonSchemaObject>>): Record<string, JsonSchemaObject> {
  return Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, storable(schema)]));
}

function parentParameters({ parent }: Collection, exampleId: string): ParameterObject[] {
  return parent === null ? [] : [parameter(parent.field, exampleId)];
}

function exampleParentId({ collections }: Profile, { parent }: Collection): string {
  const found = collections.find(({ name }) => name === parent?.collection);
  return `${found?.idPrefix}_${EXAMPLE_HEX}`;
}

function parameter(name: string, example: unknown): ParameterObject {
  return { name, in: 'path', required: true, schema: { type: 'string' }, example };
}

function exampleOf(collection: Collection, form: WrittenForm, parentId: string): Record<string, unknown> {
  return {
    id: `${collection.idPrefix}_${EXAMPLE_HEX}`,
    ...(collection.parent !== null && { [collection.parent.field]: parentId }),
    ...shownOf(form, collection.example),
    createdAt: EXAMPLE_TIME,
    updatedAt: EXAMPLE_TIME,
  };
}

/** Of what clients may write in the version: what only answers show is left out. */
function writtenExample(collection: Collection, form: WrittenForm): Record<string, unknown> {
  const names = Object.keys(form.written.properties);
  return Object.fromEntries(
    Object.entries(shownOf(form, collection.example)).filter(([name]) => names.includes(name)),
  );
}
