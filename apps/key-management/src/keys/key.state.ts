import type { Environment, Hint, KeyEvent } from './key.events.js';

/** One secret the key has or had. */
export interface SecretState {
  generation: number;
  digest: string;
  hint: Hint;
  /** A `previous` secret is valid until `validUntilMs`. */
  state: 'current' | 'previous' | 'retired';
  validUntilMs: number | null;
}

export interface ExistingKey {
  status: 'active' | 'revoked';
  keyId: string;
  tenantId: string;
  name: string;
  environment: Environment;
  scopes: string[];
  expiresAtMs: number | null;
  metadata: Record<string, unknown>;
  /** Of this key alone; null: as its profile and plan say. */
  requestsPerMinute: number | null;
  createdAtMs: number;
  revokedAtMs: number | null;
  /** Every secret there ever was, by generation; the last one is the current. */
  secrets: SecretState[];
}

export type KeyState = { status: 'none' } | ExistingKey;

/** The state after the event. An event that cannot follow the state leaves it: facts are not refused. */
export function evolveKey(state: KeyState, event: KeyEvent): KeyState {
  if (state.status === 'none') {
    return event.type === 'KeyCreated' || event.type === 'KeyImported' ? createdKey(event.data) : state;
  }
  switch (event.type) {
    case 'KeyCreated':
    case 'KeyImported':
      return state;
    case 'KeyDetailsChanged':
      return { ...state, name: event.data.name, metadata: event.data.metadata };
    case 'KeyScopesChanged':
      return { ...state, scopes: event.data.scopes };
    case 'KeyExpiryChanged':
      return { ...state, expiresAtMs: event.data.expiresAtMs };
    case 'RateLimitChanged':
      return { ...state, requestsPerMinute: event.data.requestsPerMinute };
    case 'KeyRotated': {
      const { generation, digest, hint, previousValidUntilMs, rotatedAtMs } = event.data;
      const before = state.secrets.map((secret): SecretState => {
        const inGrace = secret.state === 'current' && previousValidUntilMs > rotatedAtMs;
        return inGrace
          ? { ...secret, state: 'previous', validUntilMs: previousValidUntilMs }
          : retired(secret);
      });
      return {
        ...state,
        secrets: [...before, { generation, digest, hint, state: 'current', validUntilMs: null }],
      };
    }
    case 'PreviousSecretRetired':
      return {
        ...state,
        secrets: state.secrets.map((secret) => (secret.state === 'previous' ? retired(secret) : secret)),
      };
    case 'KeyRevoked':
      return { ...state, status: 'revoked', revokedAtMs: event.data.revokedAtMs };
    default: {
      const unknown: never = event;
      return unknown;
    }
  }
}

/** The secret that calls itself the key's today. */
export function currentSecret(key: ExistingKey): SecretState {
  return key.secrets[key.secrets.length - 1] as SecretState;
}

/** The secret in its grace period, if there is one at that time. */
export function previousSecret(key: ExistingKey, nowMs: number): SecretState | undefined {
  return key.secrets.find(({ state, validUntilMs }) => state === 'previous' && (validUntilMs ?? 0) > nowMs);
}

export function isExpired(key: ExistingKey, nowMs: number): boolean {
  return key.expiresAtMs !== null && key.expiresAtMs <= nowMs;
}

function createdKey(data: (KeyEvent & { type: 'KeyCreated' })['data']): ExistingKey {
  const { keyId, tenantId, name, environment, scopes, expiresAtMs, metadata, createdAtMs, digest, hint } =
    data;
  return {
    status: 'active',
    keyId,
    tenantId,
    name,
    environment,
    scopes,
    expiresAtMs,
    metadata,
    requestsPerMinute: null,
    createdAtMs,
    revokedAtMs: null,
    secrets: [{ generation: 1, digest, hint, state: 'current', validUntilMs: null }],
  };
}

function retired(secret: SecretState): SecretState {
  if (secret.state === 'retired') return secret;
  return { ...secret, state: 'retired', validUntilMs: null };
}
