import { Rejection, type RejectionCode, REJECTIONS } from '#libs/contracts';
import { type ErrorCause, type JsonTemplate, type Profile, wordedError } from '#libs/profiles';
import { PROBLEM_TYPE, problemOf } from '#libs/service-kit';
import { headersOf } from './response-headers.js';
import type { HeaderObject, JsonSchemaObject, ReferenceObject, ResponseObject } from './openapi-object.js';

/** What any request with a key may be answered, whatever it asks for. */
const OF_EVERY_REQUEST: readonly ErrorCause[] = [
  'UNAUTHENTICATED',
  'INVALID_CREDENTIAL',
  'CREDENTIAL_REVOKED',
  'CREDENTIAL_RETIRED',
  'CREDENTIAL_EXPIRED',
  'TENANT_SUSPENDED',
  'FORBIDDEN',
  'RATE_LIMITED',
  'INTERNAL',
  'UNAVAILABLE',
  'FENCE_LEASE_LAPSED',
];

/** What else a status of ours may mean in answers of the public API. */
const BY_STATUS: Readonly<Record<number, readonly ErrorCause[]>> = {
  400: ['INVALID_REQUEST'],
  403: ['EXCEEDS_CEILING'],
  404: ['KEY_NOT_FOUND'],
  409: [
    'KEY_REVOKED',
    'KEY_EXPIRED',
    'ROTATION_IN_PROGRESS',
    'CHANGE_NOT_ALLOWED',
    'ACTIVE_KEY_LIMIT',
    'CONFLICT',
    'IDEMPOTENCY_KEY_IN_USE',
  ],
  413: ['PAYLOAD_TOO_LARGE'],
  415: ['UNSUPPORTED_MEDIA_TYPE'],
  422: ['IDEMPOTENCY_KEY_REUSED'],
};

const ERROR_ID = '0d3f6b8a-1c2e-4f50-8172-8394a5b6c7d8';
const FAULT = 'Something went wrong on our side.';

/** The causes that a route of ours answers with its statuses, besides those of every request. */
export function causesOfStatuses(statuses: readonly number[]): ErrorCause[] {
  return statuses.flatMap((status) => BY_STATUS[status] ?? []);
}

/** The product's answers, by status, to these causes and to those that every request may meet. */
export function errorResponses(
  profile: Profile,
  causes: readonly ErrorCause[],
): Record<string, ResponseObject | ReferenceObject> {
  const shared = byStatus(profile, causesOfEvery(profile));
  const all = byStatus(profile, [...causesOfEvery(profile), ...causes]);
  return Object.fromEntries(
    [...all].map(([status, meant]) => [
      String(status),
      shared.get(status)?.length === meant.length
        ? { $ref: `#/components/responses/Error${status}` }
        : responseOf(profile, status, meant),
    ]),
  );
}

/** `components.responses`: what every request may be answered. */
export function sharedResponses(profile: Profile): Record<string, ResponseObject> {
  return Object.fromEntries(
    [...byStatus(profile, causesOfEvery(profile))].map(([status, meant]) => [
      `Error${status}`,
      responseOf(profile, status, meant),
    ]),
  );
}

function causesOfEvery({ httpsOnly, versions }: Profile): ErrorCause[] {
  return [
    ...OF_EVERY_REQUEST,
    ...(httpsOnly ? (['HTTPS_REQUIRED'] as const) : []),
    // The header that tries another version may name none.
    ...(versions === null ? [] : (['INVALID_REQUEST'] as const)),
  ];
}

function byStatus({ errors }: Profile, causes: readonly ErrorCause[]): Map<number, ErrorCause[]> {
  const found = new Map<number, ErrorCause[]>();
  for (const cause of new Set(causes)) {
    const { status } = errors.table[cause];
    found.set(status, [...(found.get(status) ?? []), cause]);
  }
  return new Map([...found].toSorted(([a], [b]) => a - b));
}

/** The schema of every error body. */
export function errorSchema({ errors }: Profile): JsonSchemaObject {
  return errors.body === 'problem' ? { $ref: '#/components/schemas/ProblemResponse' } : schemaOf(errors.body);
}

function responseOf(profile: Profile, status: number, causes: readonly ErrorCause[]): ResponseObject {
  const contentType = profile.errors.body === 'problem' ? PROBLEM_TYPE : 'application/json';
  return {
    description: [...new Set(causes.map((cause) => sentenceOf(profile, cause)))].join(' '),
    headers: {
      ...(status === 401 && { 'WWW-Authenticate': text('The challenge of RFC 6750.') }),
      ...((status === 429 || status === 503) && {
        'Retry-After': text('Seconds after which to try again.'),
      }),
      ...(status >= 500 && { 'X-Error-Id': text('What the operator finds a fault by; not on every 503.') }),
      ...headersOf(profile, status !== 401),
    },
    content: {
      [contentType]: {
        schema: { $ref: '#/components/schemas/Error' },
        examples: Object.fromEntries(causes.map((cause) => [cause, { value: exampleOf(profile, cause) }])),
      },
    },
  };
}

function sentenceOf(profile: Profile, cause: ErrorCause): string {
  const { code } = profile.errors.table[cause];
  const { message } = wordedError(profile, cause, null);
  const meaning = cause === 'INTERNAL' ? FAULT : REJECTIONS[cause].message;
  const words = message.trim() === '' ? meaning : message;
  return `\`${code}\`: ${words}`;
}

function exampleOf(profile: Profile, cause: ErrorCause): unknown {
  const { body } = wordedError(profile, cause, cause === 'INTERNAL' ? ERROR_ID : null);
  if (body !== undefined) return body;
  const problem =
    cause === 'INTERNAL'
      ? problemOf.fault(ERROR_ID)
      : problemOf.rejection(new Rejection(cause as RejectionCode));
  return { ...problem, requestId: '4d3b1c0e-7a53-4f1e-9c5a-1f0e8f2f9d10' };
}

/** A member that stands for what there may be none of can be left out. */
function schemaOf(template: JsonTemplate): JsonSchemaObject {
  const members = Object.entries(template);
  return {
    type: 'object',
    required: members.filter(([, value]) => value !== '{errorId}').map(([name]) => name),
    properties: Object.fromEntries(
      members.map(([name, value]) => [name, typeof value === 'string' ? textSchema(value) : schemaOf(value)]),
    ),
  };
}

function textSchema(value: string): JsonSchemaObject {
  const description = {
    '{code}': 'For programs: what went wrong.',
    '{message}': 'For people: what went wrong.',
    '{errorId}': 'Of a fault of ours: what its operator finds it by.',
  }[value];
  return description === undefined ? { type: 'string', enum: [value] } : { type: 'string', description };
}

function text(description: string): HeaderObject {
  return { description, schema: { type: 'string' } };
}
