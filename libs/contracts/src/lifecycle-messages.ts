/**
 * Messages of `latchkey.keys.v1` and `latchkey.tenants.v1`, CloudEvents 1.0 in binary mode: the attributes are Kafka
 * headers (`ce_specversion`, `ce_id`, `ce_type`, `ce_source`, `ce_subject`, `ce_time`, `content-type`), the value is
 * this JSON. A message carries state, not the change: order and duplicates do not matter to who reads it.
 */
export interface KeyMessage {
  keyId: string;
  tenantId: string;
  /** Version of the key's stream. */
  version: number;
  /** Milliseconds since the epoch. */
  createdAtMs: number;
  /** The sealed record of every secret the key ever had. */
  secrets: SealedRecord[];
}

export interface TenantMessage {
  tenantId: string;
  /** Version of the tenant's stream. */
  version: number;
  tenant: SealedRecord;
}

/** A record as canonical JSON with the proof that key-management wrote it. */
export interface SealedRecord {
  /** Exactly the bytes that are sealed. */
  json: string;
  sealKeyId: string;
  /** HMAC-SHA-256, base64url. */
  seal: string;
}

/** Value of the `ce_type` header: the domain event that led to the message. */
export type KeyMessageType =
  | 'KeyCreated'
  | 'KeyImported'
  | 'KeyDetailsChanged'
  | 'KeyScopesChanged'
  | 'KeyExpiryChanged'
  | 'KeyRotated'
  | 'RateLimitChanged'
  | 'PreviousSecretRetired'
  | 'KeyRevoked';

export type TenantMessageType =
  | 'TenantRegistered'
  | 'TenantChanged'
  | 'TenantPlanChanged'
  | 'TenantSuspended'
  | 'TenantResumed';
