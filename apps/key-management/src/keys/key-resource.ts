import { subjectOfKey } from '#libs/fence';
import { currentSecret, type ExistingKey, isExpired, previousSecret } from './key.state.js';

/** A key as its owner sees it. Times are ISO 8601, UTC; neither the secret nor its digest is in it. */
export interface KeyResource {
  id: string;
  tenantId: string;
  name: string;
  environment: 'live' | 'test';
  scopes: string[];
  status: 'active' | 'expired' | 'revoked';
  hint: { start: string; end: string };
  metadata: Record<string, unknown>;
  /** What was set for this key alone; null: as its profile and plan say. */
  requestsPerMinute: number | null;
  createdAt: string;
  expiresAt: string | null;
  revokedAt: string | null;
  secretGeneration: number;
  previousSecretValidUntil: string | null;
}

/** With the revision that it was read at, or that its change came to. */
export type RevisedKey = KeyResource & { revision: string };

export function keyResourceOf(key: ExistingKey, nowMs: number): KeyResource {
  const current = currentSecret(key);
  return {
    id: key.keyId,
    tenantId: key.tenantId,
    name: key.name,
    environment: key.environment,
    scopes: key.scopes,
    status: key.status === 'revoked' ? 'revoked' : isExpired(key, nowMs) ? 'expired' : 'active',
    hint: current.hint,
    metadata: key.metadata,
    requestsPerMinute: key.requestsPerMinute,
    createdAt: iso(key.createdAtMs),
    expiresAt: isoOrNull(key.expiresAtMs),
    revokedAt: isoOrNull(key.revokedAtMs),
    secretGeneration: current.generation,
    previousSecretValidUntil: isoOrNull(previousSecret(key, nowMs)?.validUntilMs ?? null),
  };
}

/** The subject of fence entries is the stream that changed. */
export const streamOfKey = subjectOfKey;

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

function isoOrNull(ms: number | null): string | null {
  return ms === null ? null : iso(ms);
}
