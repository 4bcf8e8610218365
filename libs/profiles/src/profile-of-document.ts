import { KeyFormat, type KeyFormatRules } from '#libs/key-secret';
import { collectionOf } from './collection.js';
import { datedVersionOf } from './dated-version.js';
import { errorTableOf } from './error-table.js';
import { alphabetOf } from './key-alphabet.js';
import type { FormatDocument, KeysDocument } from './keys-document.request.js';
import { legacyPatternOf } from './legacy-pattern.js';
import type { JsonTemplate, Profile, RateLimitRule } from './profile.js';
import type { ProfileDocument, RateLimitDocument } from './profile-document.request.js';

/** The profile that a document describes, which has its form and no contradictions. */
export function profileOf(document: ProfileDocument): Profile {
  const { scopes, rateLimit, errors } = document;
  return {
    name: document.name,
    title: document.title,
    hosts: document.hosts,
    basePath: document.basePath,
    httpsOnly: document.httpsOnly,
    corsOrigins: document.corsOrigins,
    keys: keysOf(document.keys),
    scopes: {
      choice: scopes.choice,
      whenAbsent: scopes.whenAbsent,
      rules: scopes.rules.map(({ name, methods = null, managesKeys = false }) => ({
        name,
        methods,
        managesKeys,
      })),
    },
    managedKeysPath: document.managedKeysPath ?? null,
    paging: document.paging,
    collections: document.collections.map(collectionOf),
    versions:
      document.versions === undefined
        ? null
        : {
            header: document.versions.header,
            accountPath: document.versions.accountPath,
            dated: document.versions.dated.map(datedVersionOf),
          },
    plans: document.plans,
    rateLimit: rateLimit === undefined ? null : rateLimitOf(rateLimit),
    roles: document.roles.map(({ name, may }) => ({ name, may })),
    errors: {
      body: errors.body as 'problem' | JsonTemplate,
      table: errorTableOf(errors, errors.body === 'problem' ? 'own' : 'none').table,
    },
  };
}

/** The rules of the format, its alphabet written out. */
export function formatRulesOf(format: FormatDocument): KeyFormatRules {
  const { live, test } = format.environments;
  return {
    template: format.template,
    environments: { ...(live !== undefined && { live }), ...(test !== undefined && { test }) },
    alphabet: alphabetOf(format.alphabet),
    randomLength: format.randomLength,
    checksum: format.checksum,
  };
}

function keysOf(keys: KeysDocument): Profile['keys'] {
  const rules = formatRulesOf(keys.format);
  return {
    format: new KeyFormat(rules),
    environments: (['live', 'test'] as const).filter((name) => rules.environments[name] !== undefined),
    legacyPatterns: keys.legacyPatterns.map(legacyPatternOf).filter((pattern) => pattern instanceof RegExp),
    hint: { first: keys.hint.first, last: keys.hint.last },
    maxActive: keys.maxActive ?? null,
    expiry: keys.expiry,
    rotation: keys.rotation === undefined ? null : { graceSecondsDefault: keys.rotation.graceSecondsDefault },
    changes: keys.changes,
    listed: keys.listed,
    lastUsed: keys.lastUsed,
  };
}

function rateLimitOf({ per, ofSeveralScopes, xHeaders, rows }: RateLimitDocument): RateLimitRule {
  return {
    per,
    ofSeveralScopes,
    xHeaders,
    rows: rows.map(({ scope = null, plan = null, requestsPerMinute }) => ({
      scope,
      plan,
      requestsPerMinute,
    })),
  };
}
