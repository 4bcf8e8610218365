import { type FenceEntry, subjectOfKey, subjectOfSecret, subjectOfTenant } from '#libs/fence';
import type { KeyEvent } from '../keys/key.events.js';
import { evolveKey, type ExistingKey, type KeyState, previousSecret } from '../keys/key.state.js';
import type { TenantEvent } from '../tenants/tenant.events.js';

/** What a change does to what verifiers may answer. */
export interface FenceEffect extends Pick<FenceEntry, 'kind'> {
  /**
   * When what is taken away ends, by the authority's clock, milliseconds since the epoch; 0: at once. An end that comes
   * later than any lease from before needs no waiting: whoever answers then has been told.
   */
  bindsFromMs: number;
}

/** What an append writes to the fence log; its place there is the log's to give. */
export interface FenceChange extends FenceEffect, Omit<FenceEntry, 'seq'> {}

const AT_ONCE = { kind: 'KEY', terminal: false, bindsFromMs: 0 } as const;
const HINT = { kind: 'HINT', terminal: false, bindsFromMs: 0 } as const;
type Effect = FenceEffect & Pick<FenceEntry, 'terminal'>;

/**
 * The one entry for what an append does to a key, at the version it leaves, of a tenant of the profile; undefined: no
 * verifier can know the key.
 */
export function fenceChangeOfKey(
  before: KeyState,
  events: readonly KeyEvent[],
  version: number,
  profile: string,
): FenceChange | undefined {
  const [first] = events;
  if (before.status === 'none') {
    // A digest from elsewhere may have been asked for before, and be remembered as belonging to no key.
    if (first?.type !== 'KeyImported') return undefined;
    return { ...HINT, subject: subjectOfSecret(first.data.digest), floorVersion: version, profile };
  }
  let key: KeyState = before;
  const effects = events.map((event) => {
    const effect = effectOf(event, key as ExistingKey);
    key = evolveKey(key, event);
    return effect;
  });
  const subject = subjectOfKey(before.keyId);
  return { ...strongest(effects), subject, floorVersion: version, profile };
}

/** As {@link fenceChangeOfKey}, for a tenant. */
export function fenceChangeOfTenant(
  tenantId: string,
  events: readonly TenantEvent[],
  version: number,
  profile: string,
): FenceChange | undefined {
  if (events.some(({ type }) => type === 'TenantRegistered')) return undefined;
  const restricts = events.some(({ type }) => type === 'TenantSuspended');
  return {
    ...HINT,
    kind: restricts ? 'TENANT' : 'HINT',
    subject: subjectOfTenant(tenantId),
    floorVersion: version,
    profile,
  };
}

/** Whether the change must be waited for: it takes something away, before the leases from before it are over. */
export function isAwaited({ kind, bindsFromMs }: FenceEffect, boundMs: number, nowMs: number): boolean {
  return kind !== 'HINT' && bindsFromMs - nowMs <= boundMs;
}

function effectOf(event: KeyEvent, before: ExistingKey): Effect {
  switch (event.type) {
    case 'KeyRevoked':
      return { ...AT_ONCE, terminal: true };
    case 'PreviousSecretRetired':
      return AT_ONCE;
    case 'KeyRotated': {
      const { previousValidUntilMs, rotatedAtMs } = event.data;
      const endsOneAtOnce =
        previousValidUntilMs <= rotatedAtMs || previousSecret(before, rotatedAtMs) !== undefined;
      return { ...AT_ONCE, bindsFromMs: endsOneAtOnce ? 0 : previousValidUntilMs };
    }
    case 'KeyScopesChanged':
      return before.scopes.every((scope) => event.data.scopes.includes(scope)) ? HINT : AT_ONCE;
    case 'KeyExpiryChanged':
      return isBroughtForward(before.expiresAtMs, event.data.expiresAtMs) ? AT_ONCE : HINT;
    case 'KeyCreated':
    case 'KeyImported':
    case 'KeyDetailsChanged':
    case 'RateLimitChanged':
      return HINT;
    default: {
      const unknown: never = event;
      return unknown;
    }
  }
}

function isBroughtForward(beforeMs: number | null, afterMs: number | null): boolean {
  return afterMs !== null && (beforeMs === null || afterMs < beforeMs);
}

/** Of several effects the one that includes the others: for ever before restricting, at once before later. */
function strongest(effects: readonly Effect[]): Effect {
  const rank = ({ kind, terminal, bindsFromMs }: Effect) =>
    kind === 'HINT' ? Number.POSITIVE_INFINITY : terminal ? -1 : bindsFromMs;
  return effects.toSorted((a, b) => (rank(a) < rank(b) ? -1 : 1))[0] ?? HINT;
}
