import type { Profile } from '#libs/profiles';
import type { WrittenForms } from '../collections/written-forms.js';
import { hasPlace, publicPath } from '../products/product-path.js';
import { createKeySchema } from './create-key-schema.js';
import { collectionPaths, type DescribedApi } from './collection-paths.js';
import { causesOfStatuses, errorResponses, errorSchema, sharedResponses } from './error-responses.js';
import { listParameters, listSchema } from './list-parts.js';
import { headersOf, sharedHeaders } from './response-headers.js';
import type {
  JsonSchemaObject,
  OpenApiObject,
  OperationObject,
  PathsObject,
  ResponseObject,
} from './openapi-object.js';

/** Where our own document describes the list of keys. */
const KEYS = '/v1/keys';
/** What is not described where secrets are not rotated. */
const ROTATION = /\/(rotate|retire-previous-secret)$/;
const IDEMPOTENCY_KEY = 'Idempotency-Key';
const OF_IDEMPOTENCY = ['INVALID_REQUEST', 'IDEMPOTENCY_KEY_REUSED', 'IDEMPOTENCY_KEY_IN_USE'] as const;
const BODY_METHODS = ['post', 'put', 'patch'];

/**
 * The document of one product in one version, from that of all our routes: its own paths, collections, errors and
 * headers. `version` is the date of one of the product's; null where it has none.
 */
export function productDocument(
  profile: Profile,
  version: string | null,
  own: OpenApiObject,
  { forms, serverUrl }: { forms: WrittenForms; serverUrl: string },
): OpenApiObject {
  const api = describedApi(profile, version, own);
  const described = profile.collections.map((collection) =>
    collectionPaths(api, collection, forms.of(profile, collection, version)),
  );
  const paths: PathsObject = Object.assign(ownPaths(api, own.paths), ...described.map((each) => each.paths));
  const schemas = Object.assign(
    {},
    own.components.schemas,
    ...described.map((each) => each.schemas),
  ) as Record<string, JsonSchemaObject>;
  return {
    openapi: own.openapi,
    info: {
      title: `${profile.title} API`,
      version: version ?? '1',
      description: descriptionOf(profile, version),
    },
    servers: [{ url: serverUrl }],
    tags: tagsOf(paths),
    security: [{ bearer: [] }],
    paths,
    components: {
      securitySchemes: own.components.securitySchemes,
      headers: sharedHeaders(profile),
      responses: sharedResponses(profile),
      schemas: namedIn([paths, sharedResponses(profile)], {
        ...closedRequests(schemas),
        CreateKeyRequest: createKeySchema(profile, schemas['CreateKeyRequest'] ?? {}),
        KeyListResponse: listSchema(profile, { $ref: '#/components/schemas/KeyWithInsightsResponse' }),
        Error: errorSchema(profile),
      }),
    },
  };
}

function describedApi(profile: Profile, version: string | null, own: OpenApiObject): DescribedApi {
  const { versions } = profile;
  return {
    profile,
    listParameters: (own.paths[KEYS]?.['get']?.parameters ?? []).filter((each) => each.in === 'query'),
    parameters:
      versions === null
        ? []
        : [
            {
              name: versions.header,
              in: 'header',
              required: false,
              description: 'Tries another version than the account’s for this request.',
              schema: { type: 'string', enum: [version] },
            },
          ],
  };
}

/** Our routes that the product has, where it has them. */
function ownPaths(api: DescribedApi, paths: PathsObject): PathsObject {
  return Object.fromEntries(
    Object.entries(paths)
      .filter(
        ([path]) =>
          hasPlace(api.profile, path) && (api.profile.keys.rotation !== null || !ROTATION.test(path)),
      )
      .map(([path, methods]) => [
        publicPath(api.profile, path),
        Object.fromEntries(
          Object.entries(methods).map(([method, operation]) => [
            method,
            ownOperation(api, path, method, operation),
          ]),
        ),
      ]),
  );
}

function ownOperation(
  api: DescribedApi,
  path: string,
  method: string,
  operation: OperationObject,
): OperationObject {
  const { summary = '', parameters = [], responses } = operation;
  const isList = path === KEYS && method === 'get';
  const statuses = Object.keys(responses).map(Number);
  const good = Object.entries(responses)
    .filter(([status]) => Number(status) < 400)
    .map(
      ([status, response]) =>
        [
          status,
          { ...response, headers: { ...(response as ResponseObject).headers, ...headersOf(api.profile) } },
        ] as const,
    );
  return {
    ...operation,
    description: operation.description || `${summary}.`,
    parameters: [
      ...api.parameters,
      ...(isList ? listParameters(api.profile, { isSearched: false }, parameters) : parameters),
    ],
    responses: {
      ...(Object.fromEntries(good) as Record<string, ResponseObject>),
      ...errorResponses(api.profile, [
        ...causesOfStatuses(statuses.filter((status) => status >= 400)),
        ...(parameters.some(({ name }) => name === IDEMPOTENCY_KEY) ? OF_IDEMPOTENCY : []),
        // A body that no route asks for is looked at all the same.
        ...(BODY_METHODS.includes(method) ? causesOfStatuses([413, 415]) : []),
      ]),
    },
  };
}

function descriptionOf({ title, versions }: Profile, version: string | null): string {
  const how = `The API of ${title}: every request shows a key, as \`Authorization: Bearer <key>\`.`;
  if (versions === null) return how;
  const changeLog = versions.dated
    .toReversed()
    .map(({ date, changeLog: lines }) => `- **${date}**\n${lines.map((line) => `  - ${line}`).join('\n')}`);
  return [
    how,
    `This is version ${version}. An account stays in the version of its first call until it upgrades ` +
      `(\`${versions.accountPath}\`); the header \`${versions.header}\` tries another for one request; ` +
      '`/openapi.json?version=` and a date describes another.',
    '## Change-log',
    changeLog.join('\n'),
  ].join('\n\n');
}

/** What is sent to us has no other members than its schema names. */
function closedRequests(
  schemas: Readonly<Record<string, JsonSchemaObject>>,
): Record<string, JsonSchemaObject> {
  return Object.fromEntries(
    Object.entries(schemas).map(([name, schema]) => [
      name,
      name.endsWith('Request') ? { ...schema, additionalProperties: false } : schema,
    ]),
  );
}

function tagsOf(paths: PathsObject): { name: string; description: string }[] {
  const names = new Set(
    Object.values(paths).flatMap((each) => Object.values(each).flatMap(({ tags = [] }) => tags)),
  );
  return [...names].toSorted().map((name) => ({ name, description: DESCRIBED_TAGS[name] ?? `The ${name}.` }));
}

const DESCRIBED_TAGS: Readonly<Record<string, string>> = {
  account: 'The account’s version of the API.',
  keys: 'The tenant’s own keys, managed by one of them.',
  whoami: 'What the key of the request is.',
};

/** The schemas that are named there, and those that these name in turn. */
function namedIn(
  roots: readonly unknown[],
  schemas: Record<string, JsonSchemaObject>,
): Record<string, JsonSchemaObject> {
  const named = new Set<string>();
  const pending: unknown[] = [roots];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    for (const [, name = ''] of JSON.stringify(next).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)) {
      if (named.has(name) || schemas[name] === undefined) continue;
      named.add(name);
      pending.push(schemas[name]);
    }
  }
  return Object.fromEntries(Object.entries(schemas).filter(([name]) => named.has(name)));
}
