/** One example of every mistake that a profile can have, for each check that is to find it. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

/** A document as YAML gives it. */
// oxlint-disable-next-line typescript/no-explicit-any
export type PlainDocument = any;

export interface Mistake {
  /** Where the good document is changed. */
  at: string;
  /** What is put there; undefined takes away what is there. */
  value?: unknown;
  /** Everything that is said about it, without the file. */
  lines: readonly string[];
}

/** For `it.each`: what a test of each mistake is called, and the mistake. */
export function byTitle(mistakes: readonly Mistake[]): [title: string, mistake: Mistake][] {
  return mistakes.map((mistake) => [
    'value' in mistake ? `${mistake.at}: ${JSON.stringify(mistake.value)}` : `no ${mistake.at}`,
    mistake,
  ]);
}

/** A good document, with something of everything. */
export function goodDocument(): PlainDocument {
  return parse(readFileSync('deploy/profiles/synaptiq.yaml', 'utf8'));
}

/** The good document with changes, each of which is made in its turn. */
export function documentWith(changes: readonly Pick<Mistake, 'at' | 'value'>[]): PlainDocument {
  const document = goodDocument();
  for (const { at, value } of changes) {
    const path = at.split('.');
    const last = path.pop() as string;
    const parent = path.reduce((object, name) => object[name], document);
    if (value === undefined) delete parent[last];
    else parent[last] = value;
  }
  return document;
}

const LIMITED = { requestsPerMinute: 1 };

/** What a member alone shows: the JSON Schema of the documents finds these too. */
export const MISFORMED: readonly Mistake[] = [
  {
    at: 'name',
    lines: ['name: must begin with a small letter and have at most 32 small letters, digits and "-"'],
  },
  {
    at: 'name',
    value: 'Synaptiq',
    lines: [
      'name: must begin with a small letter and have at most 32 small letters, digits and "-"',
      'name: must be that of the file, synaptiq',
    ],
  },
  { at: 'title', value: '', lines: ['title: must be one line of at most 100 characters'] },
  { at: 'title', value: 'two\nlines', lines: ['title: must be one line of at most 100 characters'] },
  { at: 'title', value: 7, lines: ['title: must be one line of at most 100 characters'] },
  { at: 'hosts', value: [], lines: ['hosts: must not be empty'] },
  { at: 'hosts', value: 'a.example', lines: ['hosts: must be a list'] },
  {
    at: 'hosts',
    value: ['Synaptiq.localhost'],
    lines: ['hosts: must be host names in lower case without port, or "*"'],
  },
  {
    at: 'hosts',
    value: ['a.example:3000'],
    lines: ['hosts: must be host names in lower case without port, or "*"'],
  },
  {
    at: 'hosts',
    value: ['a..example'],
    lines: ['hosts: must be host names in lower case without port, or "*"'],
  },
  { at: 'hosts', value: ['a.example', 'a.example'], lines: ['hosts: must not have the same twice'] },
  { at: 'hosts', value: [null], lines: ['hosts: must be host names in lower case without port, or "*"'] },
  {
    at: 'basePath',
    value: '/api/v1/',
    lines: ['basePath: must be a path like /api/v1, without a slash at its end'],
  },
  {
    at: 'basePath',
    value: '/api/../v1',
    lines: ['basePath: must be a path like /api/v1, without a slash at its end'],
  },
  {
    at: 'basePath',
    value: 'api',
    lines: ['basePath: must be a path like /api/v1, without a slash at its end'],
  },
  { at: 'httpsOnly', value: 'yes', lines: ['httpsOnly: must be true or false'] },
  { at: 'corsOrigins', value: null, lines: ['corsOrigins: must be a list'] },
  {
    at: 'corsOrigins',
    value: ['https://app.example.com/'],
    lines: ['corsOrigins: must be origins like https://app.example.com, or "*"'],
  },
  {
    at: 'corsOrigins',
    value: ['app.example.com'],
    lines: ['corsOrigins: must be origins like https://app.example.com, or "*"'],
  },
  { at: 'keys', lines: ['keys: must be a mapping'] },
  { at: 'keys', value: [], lines: ['keys: must be a mapping'] },
  { at: 'keys', value: null, lines: ['keys: must be a mapping'] },
  { at: 'keys.secret', value: 1, lines: ['keys.secret: is not a member of profiles'] },
  { at: 'keys.format', value: 'sk_{random}', lines: ['keys.format: must be a mapping'] },
  {
    at: 'keys.format.template',
    value: '',
    lines: ['keys.format.template: must be longer than or equal to 1 characters'],
  },
  { at: 'keys.format.template', value: 5, lines: ['keys.format.template: must be text'] },
  { at: 'keys.format.environments', value: [], lines: ['keys.format.environments: must be a mapping'] },
  {
    at: 'keys.format.environments.live',
    value: '',
    lines: ['keys.format.environments.live: must be 1 to 16 letters and digits'],
  },
  {
    at: 'keys.format.environments.test',
    value: null,
    lines: ['keys.format.environments.test: must be 1 to 16 letters and digits'],
  },
  {
    at: 'keys.format.environments.prod',
    value: 'prod',
    lines: ['keys.format.environments.prod: is not a member of profiles'],
  },
  {
    at: 'keys.format.alphabet',
    value: 'a-z_',
    lines: ['keys.format.alphabet: must be letters, digits and ranges of them, like 0-9a-z'],
  },
  {
    at: 'keys.format.alphabet',
    value: 'a-',
    lines: ['keys.format.alphabet: must be letters, digits and ranges of them, like 0-9a-z'],
  },
  { at: 'keys.format.randomLength', value: 7, lines: ['keys.format.randomLength: must not be less than 8'] },
  {
    at: 'keys.format.randomLength',
    value: '30',
    lines: ['keys.format.randomLength: must be a whole number'],
  },
  {
    at: 'keys.format.randomLength',
    value: 30.5,
    lines: ['keys.format.randomLength: must be a whole number'],
  },
  {
    at: 'keys.format.checksum',
    value: 'md5',
    lines: ['keys.format.checksum: must be one of the following values: none, crc32'],
  },
  { at: 'keys.legacyPatterns', value: 'x', lines: ['keys.legacyPatterns: must be a list'] },
  { at: 'keys.legacyPatterns', value: [1], lines: ['keys.legacyPatterns: each must be text'] },
  { at: 'keys.hint.first', value: 13, lines: ['keys.hint.first: must not be greater than 12'] },
  { at: 'keys.hint.last', value: -1, lines: ['keys.hint.last: must not be less than 0'] },
  { at: 'keys.maxActive', value: 0, lines: ['keys.maxActive: must not be less than 1'] },
  { at: 'keys.maxActive', value: null, lines: ['keys.maxActive: must be a whole number'] },
  {
    at: 'keys.expiry',
    value: 'sometimes',
    lines: ['keys.expiry: must be one of the following values: never, optional, required'],
  },
  { at: 'keys.rotation', value: null, lines: ['keys.rotation: must be a mapping'] },
  {
    at: 'keys.rotation.graceSecondsDefault',
    value: 2592001,
    lines: ['keys.rotation.graceSecondsDefault: must not be greater than 2592000'],
  },
  {
    at: 'keys.changes',
    value: ['owner'],
    lines: [
      'keys.changes: each must be one of the following values: name, scopes, expiresAt, metadata, rateLimit',
    ],
  },
  { at: 'keys.changes', value: ['name', 'name'], lines: ['keys.changes: must not have the same twice'] },
  { at: 'keys.listed', value: [], lines: ['keys.listed: must not be empty'] },
  {
    at: 'keys.listed',
    value: ['deleted'],
    lines: ['keys.listed: each must be one of the following values: active, expired, revoked'],
  },
  {
    at: 'keys.lastUsed',
    value: 'never',
    lines: ['keys.lastUsed: must be one of the following values: success, authentication'],
  },
  { at: 'scopes', value: 'all', lines: ['scopes: must be a mapping'] },
  {
    at: 'scopes.choice',
    value: 'two',
    lines: ['scopes.choice: must be one of the following values: free, some, one, all'],
  },
  {
    at: 'scopes.whenAbsent',
    value: 'none',
    lines: ['scopes.whenAbsent: must be one of the following values: refused, all'],
  },
  { at: 'scopes.rules', value: {}, lines: ['scopes.rules: must be a list'] },
  { at: 'scopes.rules.0', value: null, lines: ['scopes.rules: each must be a mapping'] },
  { at: 'scopes.rules.0', value: [1], lines: ['scopes.rules: each must be a mapping'] },
  { at: 'scopes.rules.0', value: 'read', lines: ['scopes.rules: each must be a mapping'] },
  {
    at: 'scopes.rules.0.name',
    value: 'Read',
    lines: [
      'scopes.rules.0.name: must begin with a small letter and have at most 64 small letters, digits, ":", ".", "_" and "-"',
    ],
  },
  { at: 'scopes.rules.0.methods', value: [], lines: ['scopes.rules.0.methods: must not be empty'] },
  {
    at: 'scopes.rules.0.methods',
    value: ['get'],
    lines: [
      'scopes.rules.0.methods: each must be one of the following values: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS',
    ],
  },
  {
    at: 'scopes.rules.0.methods',
    value: ['GET', 'GET'],
    lines: ['scopes.rules.0.methods: must not have the same twice'],
  },
  { at: 'scopes.rules.0.methods', value: null, lines: ['scopes.rules.0.methods: must be a list'] },
  {
    at: 'scopes.rules.0.managesKeys',
    value: 'no',
    lines: ['scopes.rules.0.managesKeys: must be true or false'],
  },
  {
    at: 'scopes.rules.0.method',
    value: 'GET',
    lines: ['scopes.rules.0.method: is not a member of profiles'],
  },
  {
    at: 'managedKeysPath',
    value: 'keys',
    lines: ['managedKeysPath: must be a path like /api/v1, without a slash at its end'],
  },
  {
    at: 'managedKeysPath',
    value: null,
    lines: ['managedKeysPath: must be a path like /api/v1, without a slash at its end'],
  },
  { at: 'plans', lines: ['plans: must be a list'] },
  {
    at: 'plans',
    value: ['Pro'],
    lines: ['plans: must begin with a small letter and have at most 32 small letters, digits and "-"'],
  },
  { at: 'plans', value: ['pro', 'pro'], lines: ['plans: must not have the same twice'] },
  { at: 'rateLimit', value: null, lines: ['rateLimit: must be a mapping'] },
  {
    at: 'rateLimit.per',
    value: 'account',
    lines: ['rateLimit.per: must be one of the following values: key, tenant'],
  },
  {
    at: 'rateLimit.ofSeveralScopes',
    value: 'first',
    lines: ['rateLimit.ofSeveralScopes: must be one of the following values: most, fewest'],
  },
  { at: 'rateLimit.xHeaders', value: 1, lines: ['rateLimit.xHeaders: must be true or false'] },
  { at: 'rateLimit.rows', value: [], lines: ['rateLimit.rows: must not be empty'] },
  { at: 'rateLimit.rows.0', value: 60, lines: ['rateLimit.rows: each must be a mapping'] },
  {
    at: 'rateLimit.rows.0.scope',
    value: null,
    lines: [
      'rateLimit.rows.0.scope: must begin with a small letter and have at most 64 small letters, digits, ":", ".", "_" and "-"',
    ],
  },
  {
    at: 'rateLimit.rows.0.plan',
    value: 'Pro',
    lines: [
      'rateLimit.rows.0.plan: must begin with a small letter and have at most 32 small letters, digits and "-"',
    ],
  },
  {
    at: 'rateLimit.rows.0.requestsPerMinute',
    value: 0,
    lines: ['rateLimit.rows.0.requestsPerMinute: must not be less than 1'],
  },
  {
    at: 'rateLimit.rows.0.requestsPerMinute',
    value: '120',
    lines: ['rateLimit.rows.0.requestsPerMinute: must be a whole number'],
  },
  { at: 'rateLimit.rows.0.burst', value: 5, lines: ['rateLimit.rows.0.burst: is not a member of profiles'] },
  { at: 'roles', value: ['admin'], lines: ['roles: each must be a mapping'] },
  {
    at: 'roles',
    value: [{ name: '', may: [] }],
    lines: [
      'roles.0.name: must begin with a letter and have at most 32 letters, digits, ":", "_", "-" and spaces',
    ],
  },
  {
    at: 'roles',
    value: [{ name: 'admin', may: ['delete'] }],
    lines: ['roles.0.may: each must be one of the following values: create, view, revoke'],
  },
  { at: 'roles', value: [{ name: 'admin' }], lines: ['roles.0.may: must be a list'] },
  { at: 'errors', value: null, lines: ['errors: must be a mapping'] },
  { at: 'errors.body', lines: ['errors.body: must be "problem", or the members of a body'] },
  { at: 'errors.rows', value: {}, lines: ['errors.rows: must be a list'] },
  { at: 'errors.rows.0.on', value: [], lines: ['errors.rows.0.on: must not be empty'] },
  { at: 'errors.rows.0.on', value: 'UNAUTHENTICATED', lines: ['errors.rows.0.on: must be a list'] },
  {
    at: 'errors.rows.0.on',
    value: ['UNAUTHENTICATED', 'WRONG', 'REVOKED'],
    lines: ['errors.rows.0.on: has what nothing is refused with: WRONG, REVOKED'],
  },
  { at: 'errors.rows.0.status', value: 200, lines: ['errors.rows.0.status: must not be less than 400'] },
  {
    at: 'errors.rows.0.code',
    value: 'not a code',
    lines: [
      'errors.rows.0.code: must begin with a letter and have at most 64 letters, digits, "_", "." and "-"',
    ],
  },
  {
    at: 'errors.rows.0.message',
    value: '',
    lines: ['errors.rows.0.message: must be one line of at most 300 characters'],
  },
  {
    at: 'errors.rows.0.message',
    value: null,
    lines: ['errors.rows.0.message: must be one line of at most 300 characters'],
  },
  {
    at: 'errors.rows.0.doc_url',
    value: 'https://example.com',
    lines: ['errors.rows.0.doc_url: is not a member of profiles'],
  },
  {
    at: 'errors.statuses',
    value: [{ status: 600, code: 'x' }],
    lines: ['errors.statuses.0.status: must not be greater than 599'],
  },
  {
    at: 'errors.statuses',
    value: [{ status: 400 }],
    lines: [
      'errors.statuses.0.code: must begin with a letter and have at most 64 letters, digits, "_", "." and "-"',
    ],
  },
  { at: 'unknown', value: 1, lines: ['unknown: is not a member of profiles'] },
  { at: 'ratelimit', value: {}, lines: ['ratelimit: is not a member of profiles'] },
];

/** What only shows beside other members, or in what comes of them. */
export const CONTRADICTORY: readonly Mistake[] = [
  { at: 'name', value: 'other', lines: ['name: must be that of the file, synaptiq'] },
  {
    at: 'corsOrigins',
    value: ['*', 'https://app.example.com'],
    lines: ['corsOrigins: has "*" beside others'],
  },
  {
    at: 'corsOrigins',
    value: ['https://app.example.com:443'],
    lines: ['corsOrigins: no browser sends the origin https://app.example.com:443'],
  },
  {
    at: 'corsOrigins',
    value: ['http://a.example:99999'],
    lines: ['corsOrigins: no browser sends the origin http://a.example:99999'],
  },
  {
    at: 'keys.format.template',
    value: 'sk_{random}',
    lines: [
      'keys.format.template: must contain {environment}, since there is more than one',
      'keys.format.randomLength: gives 155 bits of randomness, of which hints show 47; at least 112 must stay unknown',
    ],
  },
  {
    at: 'keys.format.template',
    value: 'sk_{environment}{tenantId}{random}',
    lines: ['keys.format.template: must set {tenantId} apart by "_", "-" or ".", like {tenantId}_{random}'],
  },
  {
    at: 'keys.format.environments',
    value: {},
    lines: ['keys.format.environments: must have live, test, or both'],
  },
  { at: 'keys.format.environments.test', value: 'live', lines: ['keys.format.environments: must differ'] },
  {
    at: 'keys.format.alphabet',
    value: 'z-a0-9',
    lines: ['keys.format.alphabet: has a range that does not go up among digits or letters of one case: z-a'],
  },
  {
    at: 'keys.format.alphabet',
    value: '0-Z',
    lines: ['keys.format.alphabet: has a range that does not go up among digits or letters of one case: 0-Z'],
  },
  { at: 'keys.format.alphabet', value: '0-9a-f5', lines: ['keys.format.alphabet: names twice: 5'] },
  {
    at: 'keys.format.randomLength',
    value: 21,
    lines: [
      'keys.format.randomLength: gives 108 bits of randomness, of which hints show 21; at least 112 must stay unknown',
    ],
  },
  {
    at: 'keys.legacyPatterns',
    value: ['sk_.*'],
    lines: ['keys.legacyPatterns.0: is not anchored (^…$): "sk_.*"'],
  },
  {
    at: 'keys.legacyPatterns',
    value: ['^(a$'],
    lines: ['keys.legacyPatterns.0: is not a regular expression: "^(a$"'],
  },
  {
    at: 'keys.legacyPatterns',
    value: ['^ok-[0-9]{20}$', '^(a+)+$'],
    lines: [
      'keys.legacyPatterns.1: can be tried in too many ways; give fewer or narrower lengths, like {20,64}: "^(a+)+$"',
    ],
  },
  { at: 'keys.expiry', value: 'never', lines: ['keys.changes: names expiresAt, and keys never expire'] },
  { at: 'keys.listed', value: ['revoked'], lines: ['keys.listed: must name active'] },
  {
    at: 'scopes.choice',
    value: 'all',
    lines: [
      'scopes.whenAbsent: must be all where every key has all',
      'keys.changes: names scopes, and every key has the same',
    ],
  },
  {
    at: 'scopes.whenAbsent',
    value: 'all',
    lines: ['scopes.whenAbsent: cannot be all where the choice is one'],
  },
  {
    at: 'scopes.rules.1.name',
    value: 'read',
    lines: [
      'scopes.rules: names read twice',
      'rateLimit.rows.3: names no scope of the profile: write',
      'rateLimit.rows.4: names no scope of the profile: write',
      'rateLimit.rows.5: names no scope of the profile: write',
    ],
  },
  {
    at: 'scopes.rules.2.managesKeys',
    value: false,
    lines: ['managedKeysPath: must be there where a scope manages keys, and only there'],
  },
  { at: 'basePath', value: '/docs/v1', lines: ['basePath: must not lie below /docs, where documents are'] },
  {
    at: 'managedKeysPath',
    lines: ['managedKeysPath: must be there where a scope manages keys, and only there'],
  },
  {
    at: 'plans',
    value: ['starter', 'pro', 'enterprise', 'free'],
    lines: [
      'rateLimit.rows: has none for the scope read and the plan free',
      'rateLimit.rows: has none for the scope write and the plan free',
      'rateLimit.rows: has none for the scope admin and the plan free',
    ],
  },
  {
    at: 'plans',
    value: ['starter', 'pro'],
    lines: [
      'rateLimit.rows.2: names no plan of the profile: enterprise',
      'rateLimit.rows.5: names no plan of the profile: enterprise',
      'rateLimit.rows.8: names no plan of the profile: enterprise',
    ],
  },
  { at: 'rateLimit', lines: ['plans: are named, and nothing is limited by them'] },
  {
    at: 'rateLimit.per',
    value: 'tenant',
    lines: ["rateLimit.rows: cannot name scopes where the budget is the tenant's"],
  },
  {
    at: 'rateLimit.rows',
    value: [LIMITED, LIMITED],
    lines: ['rateLimit.rows: has two rows for the same scope and plan'],
  },
  {
    at: 'rateLimit.rows.0.scope',
    value: 'none',
    lines: [
      'rateLimit.rows.0: names no scope of the profile: none',
      'rateLimit.rows: has none for the scope read and the plan starter',
    ],
  },
  {
    at: 'roles',
    value: [
      { name: 'a', may: [] },
      { name: 'a', may: ['view'] },
    ],
    lines: ['roles: names a twice'],
  },
  { at: 'errors.body', value: 'text', lines: ['errors.body: must be "problem", or the members of a body'] },
  {
    at: 'errors.body',
    value: ['{code}'],
    lines: ['errors.body: must be "problem", or the members of a body'],
  },
  {
    at: 'errors.body',
    value: { error: '{code}', request: '{requestId}' },
    lines: ['errors.body.request: must be text, or one of {code}, {message}, {errorId} alone'],
  },
  {
    at: 'errors.body',
    value: { error: 'Error: {code}', text: '{message}' },
    lines: ['errors.body.error: must be text, or one of {code}, {message}, {errorId} alone'],
  },
  {
    at: 'errors.body',
    value: { code: '{code}', retry: false },
    lines: ['errors.body.retry: must be text, or one of {code}, {message}, {errorId} alone'],
  },
  {
    at: 'errors.body',
    value: { a: { b: { c: { d: { e: '{code}' } } } } },
    lines: [
      'errors.body.a.b.c.d: must be text, or one of {code}, {message}, {errorId} alone',
      'errors.body: must have {code} or {message} in it',
    ],
  },
  { at: 'errors.body', value: { ok: 'no' }, lines: ['errors.body: must have {code} or {message} in it'] },
  {
    at: 'errors.rows.1.on',
    value: ['FORBIDDEN', 'UNAUTHENTICATED'],
    lines: ['errors: has two rows for UNAUTHENTICATED'],
  },
  {
    at: 'errors.rows.1.status',
    value: 401,
    lines: ['errors: answers FORBIDDEN with 401; it must be from 400 to 499, and neither 401 nor 429'],
  },
  {
    at: 'errors.rows.0.status',
    value: 404,
    lines: [
      'errors: answers UNAUTHENTICATED with 404; it must be 401 or 403',
      'errors: answers INVALID_CREDENTIAL with 404; it must be 401 or 403',
      'errors: answers CREDENTIAL_REVOKED with 404; it must be 401 or 403',
      'errors: answers CREDENTIAL_RETIRED with 404; it must be 401 or 403',
      'errors: answers CREDENTIAL_EXPIRED with 404; it must be 401 or 403',
    ],
  },
  {
    at: 'errors.rows.5.status',
    value: 503,
    lines: ['errors: answers RATE_LIMITED with 503; it must be 429'],
  },
  {
    at: 'errors.rows.6.status',
    value: 400,
    lines: ['errors: answers INTERNAL with 400; it must be from 500 to 599'],
  },
  {
    at: 'errors.rows.1.message',
    value: 'Ask for {scope}, id {errorId}.',
    lines: [
      'errors.rows.1.message: knows no {scope}',
      'errors.rows.1.message: has {errorId}, which INTERNAL alone has',
    ],
  },
  {
    at: 'errors.rows.6.message',
    value: 'Sorry.',
    lines: ['errors: must tell {errorId} for INTERNAL, in the body or in its message'],
  },
  {
    at: 'errors.statuses.5.status',
    value: 418,
    lines: [
      'errors: has no row for UNSUPPORTED_MEDIA_TYPE, nor one for the status 415',
      'errors: has a code for the status 418, which nothing is answered with',
    ],
  },
  {
    at: 'errors.statuses.5.status',
    value: 400,
    lines: [
      'errors: has two codes for the same status',
      'errors: has no row for UNSUPPORTED_MEDIA_TYPE, nor one for the status 415',
    ],
  },
];
