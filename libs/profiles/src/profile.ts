import type { RejectionCode } from '#libs/contracts';
import type { HintRules, KeyFormat } from '#libs/key-secret';
import type { Collection } from './collection.js';
import type { DatedVersion } from './dated-version.js';

/** A status of a key as lists show it. */
export type KeyStatus = 'active' | 'expired' | 'revoked';

/** What may be changed of a key that exists; revoking always may. */
export type KeyChange = 'name' | 'scopes' | 'expiresAt' | 'metadata' | 'rateLimit';

/** What a role may do with its tenant's keys. */
type KeyRight = 'create' | 'view' | 'revoke';

/** Something a product answers with an error: a rejection, or a fault of ours. */
export type ErrorCause = RejectionCode | 'INTERNAL';

/** How one cause reads in a product's own words. */
export interface ErrorRow {
  status: number;
  code: string;
  /** May hold `{errorId}`; null: our own sentence. */
  message: string | null;
}

interface ScopeRule {
  name: string;
  /** HTTP methods that a key with this scope may use; null: any, but where it manages keys of managed keys alone. */
  methods: readonly string[] | null;
  /** Whether a key with this scope may manage its tenant's keys. */
  managesKeys: boolean;
}

export interface RateLimitRule {
  /** Whose requests one budget counts. */
  per: 'key' | 'tenant';
  /** Which row holds for a key of several scopes: the one with the most requests, or the fewest. */
  ofSeveralScopes: 'most' | 'fewest';
  /** A null scope or plan stands for any. */
  rows: readonly { scope: string | null; plan: string | null; requestsPerMinute: number }[];
  /** Whether answers carry X-RateLimit-* besides the standard fields. */
  xHeaders: boolean;
}

/** One product's public contract for keys: what `deploy/profiles/<name>.yaml` says, checked and compiled. */
export interface Profile {
  name: string;
  title: string;
  /** Host names, lower case, without port; `*` stands for any that no other profile names. */
  hosts: readonly string[];
  /** Path below which the product's API lies, without a slash at its end. */
  basePath: string;
  /** Requests over plain HTTP are refused before their key is looked at. */
  httpsOnly: boolean;
  /** Origins whose scripts may call the API from a browser; none: no CORS header is ever sent. */
  corsOrigins: readonly string[];
  keys: {
    format: KeyFormat;
    environments: readonly ('live' | 'test')[];
    /** Of imported keys that do not have the format. */
    legacyPatterns: readonly RegExp[];
    hint: HintRules;
    /** Most active keys of any tenant; null: as each tenant was registered. */
    maxActive: number | null;
    expiry: 'never' | 'optional' | 'required';
    /** Null: secrets are not rotated. Seconds. */
    rotation: { graceSecondsDefault: number } | null;
    changes: readonly KeyChange[];
    /** Which keys a tenant's list shows. */
    listed: readonly KeyStatus[];
    /** What *last used* tells: the last request answered below 400, or the last that named a live key. */
    lastUsed: 'success' | 'authentication';
  };
  scopes: {
    /** `free`: any words; `some`: any of the rules'; `one`: exactly one of them; `all`: every key has all of them. */
    choice: 'free' | 'some' | 'one' | 'all';
    /** What a key gets that is made without saying. */
    whenAbsent: 'refused' | 'all';
    rules: readonly ScopeRule[];
  };
  /** Where keys manage keys below the base path; null: they do not. */
  managedKeysPath: string | null;
  /** Whether pages of lists are asked for by an opaque cursor, or by the ids of objects listed before and after. */
  paging: 'cursor' | 'object-ids';
  /** What the product's API stores and shows. */
  collections: readonly Collection[];
  /** Null: the API has one version. */
  versions: {
    /** By which a request tries another version, and every answer tells its own. */
    header: string;
    /** Where an account's version is read and changed, below the base path. */
    accountPath: string;
    /** Oldest first. */
    dated: readonly DatedVersion[];
  } | null;
  /** The first is what a tenant gets; empty: tenants have no plan. */
  plans: readonly string[];
  /** Null: requests are not limited. */
  rateLimit: RateLimitRule | null;
  roles: readonly { name: string; may: readonly KeyRight[] }[];
  errors: {
    /** `problem`: RFC 9457 with our codes; otherwise the body, with `{code}`, `{message}` and `{errorId}` in it. */
    body: 'problem' | JsonTemplate;
    table: Readonly<Record<ErrorCause, ErrorRow>>;
  };
}

/** A JSON object as a product writes it; some of its texts are placeholders. */
export interface JsonTemplate {
  readonly [name: string]: string | JsonTemplate;
}
