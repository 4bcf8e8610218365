import { isDeepStrictEqual } from 'node:util';
import { Rejection } from '#libs/contracts';
import type { Profile } from '#libs/profiles';
import type { Decider } from '../commands/decider.js';
import {
  type Environment,
  type Hint,
  type KeyEvent,
  keyEventSchemaVersion,
  upcastKeyEvent,
} from './key.events.js';
import { requireAllowed, requireChange, requireRotation } from './key-policy.js';
import { evolveKey, type ExistingKey, isExpired, type KeyState, previousSecret } from './key.state.js';

/** Most secrets that a key ever has, each of which is looked at with every change: one a day for 13 years. */
export const SECRETS_MAX = 5000;

/** What a managing key may pass on at most: its own rights. */
export interface Ceiling {
  scopes: readonly string[];
  environment: Environment;
  expiresAtMs: number | null;
}

interface NewKey {
  keyId: string;
  name: string;
  environment: Environment;
  scopes: string[];
  expiresAtMs: number | null;
  metadata: Record<string, unknown>;
  digest: string;
  hint: Hint;
}

/**
 * Wishes about one key. All carry whose key it is and when the wish came, milliseconds since the epoch; those that the
 * product of its tenant may not allow carry its profile.
 */
export type KeyCommand = { tenantId: string; nowMs: number } & (
  | ({ type: 'CreateKey'; ceiling: Ceiling | null } & NewKey)
  | ({ type: 'ImportKey'; attestedEntropyBits: number } & NewKey)
  | {
      type: 'ChangeKey';
      profile: Profile;
      name?: string | undefined;
      scopes?: string[] | undefined;
      expiresAtMs?: number | null | undefined;
      metadata?: Record<string, unknown> | undefined;
    }
  | {
      type: 'RotateKey';
      profile: Profile;
      digest: string;
      hint: Hint;
      graceSeconds: number;
      retirePrevious: boolean;
      ceiling: Ceiling | null;
    }
  | { type: 'ChangeRateLimit'; profile: Profile; requestsPerMinute: number | null }
  | { type: 'RetirePreviousSecret'; profile: Profile; ceiling: Ceiling | null }
  | { type: 'RevokeKey'; reason: string | null; ceiling: Ceiling | null }
);

export const keyDecider: Decider<KeyCommand, KeyState, KeyEvent> = {
  initialState: { status: 'none' },
  decide,
  evolve: evolveKey,
  upcast: upcastKeyEvent,
  schemaVersionOf: keyEventSchemaVersion,
};

function decide(command: KeyCommand, state: KeyState): KeyEvent[] {
  switch (command.type) {
    case 'CreateKey': {
      if (isDone(command, state)) return [];
      refuseExpiryInThePast(command.expiresAtMs, command.nowMs);
      refuseBeyond(command.ceiling, command);
      return [{ type: 'KeyCreated', data: describe(command) }];
    }
    case 'ImportKey': {
      if (isDone(command, state)) return [];
      refuseExpiryInThePast(command.expiresAtMs, command.nowMs);
      const { attestedEntropyBits } = command;
      return [{ type: 'KeyImported', data: { ...describe(command), attestedEntropyBits } }];
    }
    case 'ChangeKey':
      return changes(command, liveKey(command, state));
    case 'RotateKey':
      return [rotation(command, liveKey(command, state))];
    case 'ChangeRateLimit': {
      const { requestsPerMinute } = command;
      const key = liveKey(command, state);
      requireChange(command.profile, 'rateLimit');
      return requestsPerMinute === key.requestsPerMinute
        ? []
        : [{ type: 'RateLimitChanged', data: { requestsPerMinute } }];
    }
    case 'RetirePreviousSecret': {
      const key = liveKey(command, state);
      refuseBeyond(command.ceiling, key);
      const previous = previousSecret(key, command.nowMs);
      if (previous === undefined) {
        requireRotation(command.profile);
        return [];
      }
      return [
        {
          type: 'PreviousSecretRetired',
          data: { generation: previous.generation, retiredAtMs: command.nowMs },
        },
      ];
    }
    case 'RevokeKey': {
      const key = ownKey(command, state);
      refuseBeyond(command.ceiling, key);
      if (key.status === 'revoked') return [];
      return [{ type: 'KeyRevoked', data: { reason: command.reason, revokedAtMs: command.nowMs } }];
    }
    default: {
      const unknown: never = command;
      return unknown;
    }
  }
}

/** A key's id is drawn with the wish, so a key that is there already comes from the same wish, tried before. */
function isDone(command: NewKey, state: KeyState): boolean {
  if (state.status === 'none') return false;
  if (state.secrets[0]?.digest !== command.digest) throw new Rejection('CONFLICT');
  return true;
}

function describe({
  keyId,
  tenantId,
  name,
  environment,
  scopes,
  expiresAtMs,
  metadata,
  digest,
  hint,
  nowMs,
}: NewKey & { tenantId: string; nowMs: number }): (KeyEvent & { type: 'KeyCreated' })['data'] {
  return {
    keyId,
    tenantId,
    name,
    environment,
    scopes,
    expiresAtMs,
    metadata,
    digest,
    hint,
    createdAtMs: nowMs,
  };
}

function changes(command: KeyCommand & { type: 'ChangeKey' }, key: ExistingKey): KeyEvent[] {
  const events: KeyEvent[] = [];
  const { profile } = command;
  for (const field of ['name', 'metadata', 'scopes'] as const) {
    if (command[field] !== undefined) requireChange(profile, field);
  }
  if (command.expiresAtMs !== undefined) requireChange(profile, 'expiresAt');
  requireAllowed(profile, { scopes: command.scopes, expiresAtMs: command.expiresAtMs });
  const {
    name = key.name,
    metadata = key.metadata,
    scopes = key.scopes,
    expiresAtMs = key.expiresAtMs,
  } = command;
  if (name !== key.name || !isDeepStrictEqual(metadata, key.metadata)) {
    events.push({ type: 'KeyDetailsChanged', data: { name, metadata } });
  }
  if (!isDeepStrictEqual(scopes, key.scopes)) {
    events.push({ type: 'KeyScopesChanged', data: { scopes } });
  }
  if (expiresAtMs !== key.expiresAtMs) {
    refuseExpiryInThePast(expiresAtMs, command.nowMs);
    events.push({ type: 'KeyExpiryChanged', data: { expiresAtMs } });
  }
  return events;
}

function rotation(command: KeyCommand & { type: 'RotateKey' }, key: ExistingKey): KeyEvent {
  const { nowMs, graceSeconds, digest, hint } = command;
  requireRotation(command.profile);
  refuseBeyond(command.ceiling, key);
  if (isExpired(key, nowMs)) throw new Rejection('KEY_EXPIRED');
  if (key.secrets.length >= SECRETS_MAX) throw new Rejection('CHANGE_NOT_ALLOWED');
  if (previousSecret(key, nowMs) !== undefined && !command.retirePrevious) {
    throw new Rejection('ROTATION_IN_PROGRESS');
  }
  return {
    type: 'KeyRotated',
    data: {
      generation: key.secrets.length + 1,
      digest,
      hint,
      previousValidUntilMs: nowMs + graceSeconds * 1000,
      rotatedAtMs: nowMs,
    },
  };
}

/** The tenant's key; another tenant's is as absent as one that never was. */
function ownKey({ tenantId }: { tenantId: string }, state: KeyState): ExistingKey {
  if (state.status === 'none' || state.tenantId !== tenantId) throw new Rejection('KEY_NOT_FOUND');
  return state;
}

function liveKey(command: { tenantId: string }, state: KeyState): ExistingKey {
  const key = ownKey(command, state);
  if (key.status === 'revoked') throw new Rejection('KEY_REVOKED');
  return key;
}

function refuseExpiryInThePast(expiresAtMs: number | null, nowMs: number): void {
  if (expiresAtMs !== null && expiresAtMs <= nowMs) {
    throw new Rejection('INVALID_REQUEST', [{ field: 'expiresAt', message: 'must be in the future' }]);
  }
}

/** Another environment's keys do not exist for a managing key; wider ones of its own are beyond it. */
function refuseBeyond(
  ceiling: Ceiling | null,
  rights: {
    scopes: readonly string[];
    environment: Environment;
    expiresAtMs: number | null;
    status?: string;
  },
): void {
  if (ceiling === null) return;
  const isExisting = rights.status !== undefined;
  if (isExisting && rights.environment !== ceiling.environment) throw new Rejection('KEY_NOT_FOUND');
  const outlives =
    ceiling.expiresAtMs !== null && (rights.expiresAtMs === null || rights.expiresAtMs > ceiling.expiresAtMs);
  const within =
    rights.environment === ceiling.environment &&
    rights.scopes.every((scope) => ceiling.scopes.includes(scope)) &&
    !outlives;
  if (!within) throw new Rejection('EXCEEDS_CEILING');
}
