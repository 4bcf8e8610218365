import type { NewEvent } from '#libs/event-store';
import { schemaVersionWith, upcastWith, type Upcasters } from '../commands/upcast.js';

export type Environment = 'live' | 'test';

/** First and last characters of a secret, to recognise it by; empty where an imported digest came without. */
export interface Hint {
  start: string;
  end: string;
}

interface KeyDescription {
  keyId: string;
  tenantId: string;
  name: string;
  environment: Environment;
  scopes: string[];
  /** Milliseconds since the epoch; null: never. */
  expiresAtMs: number | null;
  metadata: Record<string, unknown>;
  /** SHA-256 of the secret, lower-case hexadecimal. */
  digest: string;
  hint: Hint;
  createdAtMs: number;
}

/** Facts about keys. A shape is never changed: a new one is a new schema version with an upcaster below. */
export type KeyEvent =
  | { type: 'KeyCreated'; data: KeyDescription }
  | { type: 'KeyImported'; data: KeyDescription & { attestedEntropyBits: number } }
  | { type: 'KeyDetailsChanged'; data: { name: string; metadata: Record<string, unknown> } }
  | { type: 'KeyScopesChanged'; data: { scopes: string[] } }
  | { type: 'KeyExpiryChanged'; data: { expiresAtMs: number | null } }
  | {
      type: 'KeyRotated';
      data: {
        generation: number;
        digest: string;
        hint: Hint;
        /** Until when the secret before stays valid; the rotation's own time when it is retired at once. */
        previousValidUntilMs: number;
        rotatedAtMs: number;
      };
    }
  /** Requests per minute of this key alone; null: as its profile and plan say. */
  | { type: 'RateLimitChanged'; data: { requestsPerMinute: number | null } }
  | { type: 'PreviousSecretRetired'; data: { generation: number; retiredAtMs: number } }
  | { type: 'KeyRevoked'; data: { reason: string | null; revokedAtMs: number } };

/** What brings each type's data from one schema version to the next; no step is ever changed. */
export const KEY_UPCASTERS: Upcasters<KeyEvent['type']> = {
  KeyCreated: [],
  KeyImported: [],
  KeyDetailsChanged: [],
  KeyScopesChanged: [],
  KeyExpiryChanged: [],
  KeyRotated: [],
  RateLimitChanged: [],
  PreviousSecretRetired: [],
  KeyRevoked: [],
};

export function upcastKeyEvent(stored: NewEvent): KeyEvent {
  return { type: stored.type, data: upcastWith(KEY_UPCASTERS, stored) } as KeyEvent;
}

export function keyEventSchemaVersion(type: KeyEvent['type']): number {
  return schemaVersionWith(KEY_UPCASTERS, type);
}
