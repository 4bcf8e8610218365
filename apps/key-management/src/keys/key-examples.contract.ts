/** Commands and events of one key, for the specs of what is decided about keys. */
import type { Profile } from '#libs/profiles';
import { shippedProfile } from '#libs/testing/shipped-profiles';
import type { Ceiling, KeyCommand } from './key.decider.js';
import { keyDecider } from './key.decider.js';
import type { KeyEvent } from './key.events.js';
import type { ExistingKey, KeyState } from './key.state.js';

export const NOW = Date.UTC(2026, 10, 22, 12);
export const HOUR = 3_600_000;
export const KEY_ID = 'key_00112233445566778899aabbccddee';

const DEFAULT = shippedProfile('default');

const description = {
  keyId: KEY_ID,
  name: 'nightly export',
  environment: 'live',
  scopes: ['read', 'write'],
  expiresAtMs: null,
  metadata: { team: 'billing' },
  digest: 'digest 1',
  hint: { start: 'lk_live_aaaa', end: 'zzzz' },
} as const;

type Create = KeyCommand & { type: 'CreateKey' };
type Rotate = KeyCommand & { type: 'RotateKey' };

export function createKey(more: Partial<Create> = {}): Create {
  return {
    type: 'CreateKey',
    tenantId: 'acme',
    nowMs: NOW,
    ceiling: null,
    ...description,
    scopes: [...description.scopes],
    ...more,
  };
}

export function rotateKey(more: Partial<Rotate> = {}): Rotate {
  return {
    type: 'RotateKey',
    tenantId: 'acme',
    nowMs: NOW,
    digest: 'digest 2',
    hint: { start: 'lk_live_bbbb', end: 'yyyy' },
    graceSeconds: 3600,
    retirePrevious: false,
    ceiling: null,
    profile: DEFAULT,
    ...more,
  };
}

export function command<Type extends KeyCommand['type']>(
  type: Type,
  more: Omit<KeyCommand & { type: Type }, 'type' | 'tenantId' | 'nowMs' | 'profile' | 'ceiling'> & {
    tenantId?: string;
    nowMs?: number;
    profile?: Profile;
    ceiling?: Ceiling | null;
  },
): KeyCommand {
  return {
    tenantId: 'acme',
    nowMs: NOW,
    profile: DEFAULT,
    ceiling: null,
    ...more,
    type,
  } as unknown as KeyCommand;
}

export const created = (more: Partial<(KeyEvent & { type: 'KeyCreated' })['data']> = {}): KeyEvent => ({
  type: 'KeyCreated',
  data: {
    ...description,
    scopes: [...description.scopes],
    tenantId: 'acme',
    createdAtMs: NOW - HOUR,
    ...more,
  },
});

export const rotated = (more: Partial<(KeyEvent & { type: 'KeyRotated' })['data']> = {}): KeyEvent => ({
  type: 'KeyRotated',
  data: {
    generation: 2,
    digest: 'digest 2',
    hint: { start: 'lk_live_bbbb', end: 'yyyy' },
    previousValidUntilMs: NOW + HOUR,
    rotatedAtMs: NOW,
    ...more,
  },
});

export const revoked: KeyEvent = { type: 'KeyRevoked', data: { reason: 'leaked', revokedAtMs: NOW } };

export const ceiling = (more: Partial<Ceiling> = {}): Ceiling => ({
  scopes: ['read', 'write', 'keys:manage'],
  environment: 'live',
  expiresAtMs: null,
  ...more,
});

export function fold(events: readonly KeyEvent[]): KeyState {
  return events.reduce(keyDecider.evolve, keyDecider.initialState);
}

/** Given what happened, when something is wished: what happens, or the code of the rule that says no. */
export function decided(given: readonly KeyEvent[], when: KeyCommand): KeyEvent[] | string {
  try {
    return keyDecider.decide(when, fold(given));
  } catch (error) {
    return (error as { code: string }).code;
  }
}

/** The key after what happened and what is decided. */
export function after(given: readonly KeyEvent[], when: KeyCommand): ExistingKey {
  return fold([...given, ...keyDecider.decide(when, fold(given))]) as ExistingKey;
}
