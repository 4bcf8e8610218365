import { Rejection } from '#libs/contracts';
import type { EventStore, IdempotencyRecord } from '#libs/event-store';
import { digestOf, hintOf } from '#libs/key-secret';
import { type Profile, scopesWithin } from '#libs/profiles';
import { type CallerContext, metadataOf, wishOf } from '../commands/caller-context.js';
import type { ChangeRate } from '../commands/change-rate.js';
import { handleCommand } from '../commands/handle-command.js';
import type { Idempotency } from '../commands/idempotency.js';
import { fenceChangeOfKey, type FenceEffect } from '../fencing/fence-change.js';
import type { Committed, FencedChanges } from '../fencing/fenced-changes.js';
import type { FenceReceipt } from '../fencing/fence-ledger.js';
import type { Projected } from '../read-model/projected.js';
import { type Ceiling, type KeyCommand, keyDecider } from './key.decider.js';
import type { Environment, Hint } from './key.events.js';
import type { ExistingKey, KeyState } from './key.state.js';
import { isTenantId } from '../tenants/tenant-id.js';
import type { TenantProfiles } from '../tenants/tenant-profiles.js';
import { requireEnvironment, scopesOfNewKey } from './key-policy.js';
import { isKeyId, newKeyId } from './key-id.js';
import { type KeyResource, keyResourceOf, streamOfKey } from './key-resource.js';

/** Time and chance, handed in so that what is decided with them can be tested. */
export interface Chance {
  nowMs: () => number;
  randomBytes: (length: number) => Buffer;
}

/** What a command came to that shows a secret: once. A repeated wish gets the same key and null. */
export type CommittedSecret = Committed<KeyResource> & { secret: string | null };

/** What is kept of a wish that has an Idempotency-Key. */
interface Kept {
  resource: KeyResource;
  version: number;
  effect: FenceEffect | null;
}

type Keep = (outcome: Kept) => IdempotencyRecord | undefined;

interface Described {
  name: string;
  environment: Environment;
  /** Undefined: what the tenant's product gives. */
  scopes: string[] | undefined;
  expiresAtMs: number | null;
  metadata: Record<string, unknown>;
}

export type CreateKey = Described & { ceiling: Ceiling | null };
export type ImportKey = Described & { digest: string; hint: Hint; attestedEntropyBits: number };
export interface ChangeKey {
  name?: string | undefined;
  scopes?: string[] | undefined;
  expiresAtMs?: number | null | undefined;
  metadata?: Record<string, unknown> | undefined;
}
export interface RotateKey {
  /** Undefined: as the tenant's product has it. */
  graceSeconds: number | undefined;
  retirePrevious: boolean;
  ceiling: Ceiling | null;
}

export interface RevokeKey {
  reason: string | null;
  ceiling: Ceiling | null;
}

/** Every wish that changes keys, for all who may wish it: the operator over HTTP, services and managing keys over gRPC. */
export class KeyCommands {
  constructor(
    private readonly store: EventStore<Projected, FenceReceipt>,
    private readonly idempotency: Idempotency,
    private readonly fenced: FencedChanges,
    private readonly rate: ChangeRate,
    private readonly profiles: TenantProfiles,
    private readonly chance: Chance,
  ) {}

  create(tenantId: string, wish: CreateKey, context: CallerContext): Promise<CommittedSecret> {
    return this.onceWithSecret(context, tenantId, 'create key', askedOf(wish), async (keep) => {
      const profile = await this.profiles.of(tenantId);
      const scopes = scopesOfNewKey(profile, wish);
      const { secret, ...identity } = this.newSecret(profile, wish.environment, tenantId);
      const keyId = newKeyId(this.chance.randomBytes);
      const command = {
        type: 'CreateKey',
        ...wish,
        ceiling: await this.ceilingIn(profile, wish.ceiling, context),
        scopes,
        keyId,
        ...identity,
        ...this.stamp(tenantId),
      } as const;
      return { ...(await this.run(command, context, keep)), secret };
    });
  }

  import(tenantId: string, wish: ImportKey, context: CallerContext): Promise<Committed<KeyResource>> {
    return this.once(context, tenantId, 'import key', { ...wish }, async (keep) => {
      const scopes = scopesOfNewKey(await this.profiles.of(tenantId), wish);
      const keyId = newKeyId(this.chance.randomBytes);
      return this.run({ type: 'ImportKey', ...wish, scopes, keyId, ...this.stamp(tenantId) }, context, keep);
    });
  }

  change(
    tenantId: string,
    keyId: string,
    wish: ChangeKey,
    context: CallerContext,
  ): Promise<Committed<KeyResource>> {
    return this.once(context, tenantId, 'change key', { keyId, ...wish }, async (keep) => {
      const profile = await this.profileOf(tenantId);
      return this.runRated(
        { type: 'ChangeKey', ...wish, profile, ...this.stamp(tenantId) },
        context,
        keep,
        keyId,
      );
    });
  }

  /** Sets the limit of one key, requests per minute; null: as its profile and plan say. */
  changeRateLimit(
    tenantId: string,
    keyId: string,
    requestsPerMinute: number | null,
    context: CallerContext,
  ): Promise<Committed<KeyResource>> {
    return this.once(context, tenantId, 'change rate limit', { keyId, requestsPerMinute }, async (keep) => {
      const profile = await this.profileOf(tenantId);
      const command = {
        type: 'ChangeRateLimit',
        requestsPerMinute,
        profile,
        ...this.stamp(tenantId),
      } as const;
      return this.runRated(command, context, keep, keyId);
    });
  }

  rotate(tenantId: string, keyId: string, wish: RotateKey, context: CallerContext): Promise<CommittedSecret> {
    return this.onceWithSecret(context, tenantId, 'rotate key', { keyId, ...askedOf(wish) }, async (keep) => {
      const profile = await this.profileOf(tenantId);
      const environment = await this.environmentOf(tenantId, keyId);
      requireEnvironment(profile, environment);
      const { secret, ...identity } = this.newSecret(profile, environment, tenantId);
      const graceSeconds = wish.graceSeconds ?? profile.keys.rotation?.graceSecondsDefault ?? 0;
      const ceiling = await this.ceilingIn(profile, wish.ceiling, context);
      const terms = { ...wish, ceiling, graceSeconds, profile };
      const command = { type: 'RotateKey', ...terms, ...identity, ...this.stamp(tenantId) } as const;
      return { ...(await this.runRated(command, context, keep, keyId)), secret };
    });
  }

  retirePreviousSecret(
    tenantId: string,
    keyId: string,
    ceiling: Ceiling | null,
    context: CallerContext,
  ): Promise<Committed<KeyResource>> {
    return this.once(context, tenantId, 'retire previous secret', { keyId }, async (keep) => {
      const profile = await this.profileOf(tenantId);
      const command = {
        type: 'RetirePreviousSecret',
        profile,
        ceiling: await this.ceilingIn(profile, ceiling, context),
        ...this.stamp(tenantId),
      } as const;
      return this.runRated(command, context, keep, keyId);
    });
  }

  revoke(
    tenantId: string,
    keyId: string,
    wish: RevokeKey,
    context: CallerContext,
  ): Promise<Committed<KeyResource>> {
    return this.once(context, tenantId, 'revoke key', { keyId, ...askedOf(wish) }, async (keep) => {
      // An operator revokes whatever the profile says, and whether or not it is known here.
      const ceiling =
        wish.ceiling && (await this.ceilingIn(await this.profileOf(tenantId), wish.ceiling, context));
      return this.runRated(
        { type: 'RevokeKey', ...wish, ceiling, ...this.stamp(tenantId) },
        context,
        keep,
        keyId,
      );
    });
  }

  /** One change of this tenant is taken from its rate; throws RATE_LIMITED where none is left. */
  admitChange(tenantId: string): void {
    this.rate.admit(tenantId);
  }

  /** Revokes one of many keys that one wish revokes; {@link admitChange} admits the wish. */
  revokeOneOfMany(
    tenantId: string,
    keyId: string,
    reason: string | null,
    context: CallerContext,
  ): Promise<Committed<KeyResource>> {
    const command = { type: 'RevokeKey', reason, ceiling: null, ...this.stamp(tenantId) } as const;
    return this.run(command, context, () => undefined, keyId);
  }

  private once(
    context: CallerContext,
    tenantId: string,
    route: string,
    asked: Record<string, unknown>,
    execute: (keep: Keep) => Promise<Committed<KeyResource>>,
  ): Promise<Committed<KeyResource>> {
    const wish = wishOf(context, tenantId, route, asked);
    return this.idempotency.once(wish, execute, (kept: Kept) => this.repeated(kept));
  }

  private onceWithSecret(
    context: CallerContext,
    tenantId: string,
    route: string,
    asked: Record<string, unknown>,
    execute: (keep: Keep) => Promise<CommittedSecret>,
  ): Promise<CommittedSecret> {
    const wish = wishOf(context, tenantId, route, asked);
    return this.idempotency.once(wish, execute, async (kept: Kept) => ({
      ...(await this.repeated(kept)),
      secret: null,
    }));
  }

  private repeated({ resource, version, effect }: Kept): Promise<Committed<KeyResource>> {
    return this.fenced.committed(resource, streamOfKey(resource.id), version, effect);
  }

  private runRated(
    command: KeyCommand,
    context: CallerContext,
    keep: Keep,
    keyId: string,
  ): Promise<Committed<KeyResource>> {
    this.admitChange(command.tenantId);
    return this.run(command, context, keep, keyId);
  }

  private async run(
    command: KeyCommand,
    context: CallerContext,
    keep: Keep,
    existingKeyId?: string,
  ): Promise<Committed<KeyResource>> {
    const keyId = 'keyId' in command ? command.keyId : (existingKeyId as string);
    if (!isTenantId(command.tenantId)) throw new Rejection('TENANT_NOT_FOUND');
    if (!isKeyId(keyId)) throw new Rejection('KEY_NOT_FOUND');
    const profile = await this.profiles.nameOf(command.tenantId);
    const managedBy = 'ceiling' in command ? managerOf(command.ceiling, context.actor) : undefined;
    const resource = (state: KeyState) => keyResourceOf(state as ExistingKey, command.nowMs);
    const effectOf = (stored: Projected | undefined) =>
      stored === undefined ? effectOfRepeated(command) : effectIn(stored);
    const { state, version, projected, receipt } = await handleCommand(this.store, keyDecider, command, {
      streamId: streamOfKey(keyId),
      tenantId: command.tenantId,
      metadata: metadataOf(context, command.type === 'RevokeKey' ? command.reason : null),
      isNew: 'keyId' in command,
      project: (after, before, events): Projected => ({
        kind: 'key',
        ...after,
        managedBy,
        fence: fenceChangeOfKey(before, events, after.version, profile),
      }),
      idempotency: (after, stored) =>
        keep({ resource: resource(after.state), version: after.version, effect: effectOf(stored) }),
    });
    const effect = effectOf(projected);
    return this.fenced.committed(resource(state), streamOfKey(keyId), version, effect, receipt);
  }

  private async stateOf(keyId: string): Promise<KeyState> {
    const stored = isKeyId(keyId) ? await this.store.read(streamOfKey(keyId)) : [];
    return stored.reduce(
      (folded, event) => keyDecider.evolve(folded, keyDecider.upcast(event)),
      keyDecider.initialState,
    );
  }

  /** A secret names its environment, so the key is looked at before one is composed for it. */
  private async environmentOf(tenantId: string, keyId: string): Promise<Environment> {
    const state = await this.stateOf(keyId);
    if (state.status === 'none' || state.tenantId !== tenantId) throw new Rejection('KEY_NOT_FOUND');
    return state.environment;
  }

  /** Of a tenant that keys of may be asked for; where it is not there, none of its keys is. */
  private async profileOf(tenantId: string): Promise<Profile> {
    try {
      return await this.profiles.of(tenantId);
    } catch (error) {
      if (error instanceof Rejection && error.code === 'TENANT_NOT_FOUND')
        throw new Rejection('KEY_NOT_FOUND');
      throw error;
    }
  }

  /** With every scope that the managing key may give, as its rights are by now: they may have been narrowed meanwhile. */
  private async ceilingIn(
    profile: Profile,
    ceiling: Ceiling | null,
    { actor }: CallerContext,
  ): Promise<Ceiling | null> {
    if (ceiling === null) return null;
    const manager = managerOf(ceiling, actor);
    const now = manager === undefined ? ceiling : narrowed(ceiling, await this.stateOf(manager));
    return { ...now, scopes: scopesWithin(profile, now.scopes) };
  }

  private newSecret({ keys: { format, hint } }: Profile, environment: Environment, tenantId: string) {
    const secret = format.compose(environment, tenantId, this.chance.randomBytes);
    return { secret, digest: digestOf(secret), hint: hintOf(secret, hint) };
  }

  private stamp(tenantId: string): { tenantId: string; nowMs: number } {
    return { tenantId, nowMs: this.chance.nowMs() };
  }
}

/** What an Idempotency-Key stands for: what its rights are by now is no part of what a managing key asked for. */
function askedOf(wish: CreateKey | RotateKey | RevokeKey): Record<string, unknown> {
  return { ...wish, ceiling: null };
}

/** Id of the key that manages others here; undefined where a service does so in its own name. */
function managerOf(ceiling: Ceiling | null, actor: CallerContext['actor']): string | undefined {
  return ceiling !== null && actor.type === 'key' ? actor.id : undefined;
}

/** What a managing key may pass on of what it could when its request began. Throws EXCEEDS_CEILING where it is gone. */
function narrowed(ceiling: Ceiling, manager: KeyState): Ceiling {
  if (manager.status !== 'active') throw new Rejection('EXCEEDS_CEILING');
  const ends = [ceiling.expiresAtMs, manager.expiresAtMs].filter((ms) => ms !== null);
  return {
    ...ceiling,
    scopes: ceiling.scopes.filter((scope) => manager.scopes.includes(scope)),
    expiresAtMs: ends.length === 0 ? null : Math.min(...ends),
  };
}

/** Of a command that had nothing to do: what took something away, if anything did, was an earlier one like it. */
function effectOfRepeated({ type }: KeyCommand): FenceEffect | null {
  const restricts = type === 'RevokeKey' || type === 'RetirePreviousSecret' || type === 'ChangeKey';
  return restricts ? { kind: 'KEY', bindsFromMs: 0 } : null;
}

function effectIn({ fence }: Projected): FenceEffect | null {
  return fence === undefined ? null : { kind: fence.kind, bindsFromMs: fence.bindsFromMs };
}
