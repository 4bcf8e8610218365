/** What a verifier knows of one secret. Canonical JSON of it is sealed and stored under its digest. */
export interface SecretRecord {
  /** SHA-256 of the whole secret, 64 lower-case hexadecimal digits. */
  digest: string;
  keyId: string;
  tenantId: string;
  environment: 'live' | 'test';
  scopes: string[];
  /** Which secret of the key this is, from 1. */
  generation: number;
  /** A `previous` secret is valid until `validUntilMs`; a `retired` one never again. */
  secretState: 'current' | 'previous' | 'retired';
  /** End of the grace period, milliseconds since the epoch; null unless `previous`. */
  validUntilMs: number | null;
  keyState: 'active' | 'revoked';
  /** Expiry of the key, milliseconds since the epoch; null: never. */
  expiresAtMs: number | null;
  /** What was set for this key alone; null: as its profile and plan say. */
  requestsPerMinute: number | null;
  /** Version of the key's stream: the newer record wins. */
  version: number;
}

/** What a verifier knows of one tenant. */
export interface TenantRecord {
  tenantId: string;
  state: 'active' | 'suspended';
  /** Whose keys are verified within this profile alone. */
  profile: string;
  /** Null where the profile has no plans. */
  plan: string | null;
  /** Version of the tenant's stream. */
  version: number;
}
