import type { Environment } from './key.events.js';

/** Which of a tenant's keys are meant: those that fit everything given; with nothing given, all. */
export interface KeySelection {
  keyIds: readonly string[] | null;
  environment: Environment | null;
  createdBy: { type: string; id: string } | null;
  /** Keys that this key made, keys that those made, and so on; not the key itself. */
  descendantsOf: string | null;
}

/** A key as far as choosing it asks. */
export interface SelectedKey {
  keyId: string;
  createdAtMs: number;
}

/** Whether a key was last used before the time, or never although it was made before it. */
export function isUnusedSince(beforeMs: number, createdAtMs: number, lastUsedAtMs: number | null): boolean {
  return Math.max(createdAtMs, lastUsedAtMs ?? 0) < beforeMs;
}
