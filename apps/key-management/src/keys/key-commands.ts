import { Rejection } from '#libs/contracts';
import type { EventStore, IdempotencyRecord } from '#libs/event-store';
import { composeSecret, digestOf, hintOf } from '#libs/key-secret';
import { type CallerContext, metadataOf, wishOf } from '../commands/caller-context.js';
import { type Folded, handleCommand } from '../commands/handle-command.js';
import type { Idempotency } from '../commands/idempotency.js';
import type { Projected } from '../read-model/projected.js';
import { type Ceiling, type KeyCommand, keyDecider } from './key.decider.js';
import type { Environment, Hint } from './key.events.js';
import type { ExistingKey, KeyState } from './key.state.js';
import { isTenantId } from '../tenants/tenant-id.js';
import { isKeyId, newKeyId } from './key-id.js';
import { type KeyResource, keyResourceOf, streamOfKey } from './key-resource.js';

/** Time and chance, handed in so that what is decided with them can be tested. */
export interface Chance {
  nowMs: () => number;
  randomBytes: (length: number) => Buffer;
}

/** The answer that shows a secret: once. A repeated wish gets the same key and null. */
export interface KeyWithSecret {
  key: KeyResource;
  secret: string | null;
}

interface Described {
  name: string;
  environment: Environment;
  scopes: string[];
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
  graceSeconds: number;
  retirePrevious: boolean;
  ceiling: Ceiling | null;
}

/** How long a rotated-away secret stays valid unless the wish says otherwise. */
export const GRACE_SECONDS_DEFAULT = 86_400;

/** Every wish that changes keys, for all who may wish it: the operator over HTTP, services and managing keys over gRPC. */
export class KeyCommands {
  constructor(
    private readonly store: EventStore<Projected>,
    private readonly idempotency: Idempotency,
    private readonly chance: Chance,
  ) {}

  create(tenantId: string, wish: CreateKey, context: CallerContext): Promise<KeyWithSecret> {
    return this.idempotency.once<KeyResource, KeyWithSecret>(
      wishOf(context, tenantId, 'create key', { ...wish }),
      async (keep) => {
        const secret = composeSecret(wish.environment, this.chance.randomBytes);
        const identity = {
          keyId: newKeyId(this.chance.randomBytes),
          digest: digestOf(secret),
          hint: hintOf(secret),
        };
        const key = await this.run(
          { type: 'CreateKey', ...wish, ...identity, ...this.stamp(tenantId) },
          context,
          keep,
        );
        return { key, secret };
      },
      (key) => ({ key, secret: null }),
    );
  }

  import(tenantId: string, wish: ImportKey, context: CallerContext): Promise<KeyResource> {
    return this.once(context, tenantId, 'import key', { ...wish }, (keep) =>
      this.run(
        { type: 'ImportKey', ...wish, keyId: newKeyId(this.chance.randomBytes), ...this.stamp(tenantId) },
        context,
        keep,
      ),
    );
  }

  change(tenantId: string, keyId: string, wish: ChangeKey, context: CallerContext): Promise<KeyResource> {
    return this.once(context, tenantId, 'change key', { keyId, ...wish }, (keep) =>
      this.run({ type: 'ChangeKey', ...wish, ...this.stamp(tenantId) }, context, keep, keyId),
    );
  }

  rotate(tenantId: string, keyId: string, wish: RotateKey, context: CallerContext): Promise<KeyWithSecret> {
    return this.idempotency.once<KeyResource, KeyWithSecret>(
      wishOf(context, tenantId, 'rotate key', { keyId, ...wish }),
      async (keep) => {
        const environment = await this.environmentOf(tenantId, keyId);
        const secret = composeSecret(environment, this.chance.randomBytes);
        const identity = { digest: digestOf(secret), hint: hintOf(secret) };
        const command = { type: 'RotateKey', ...wish, ...identity, ...this.stamp(tenantId) } as const;
        return { key: await this.run(command, context, keep, keyId), secret };
      },
      (key) => ({ key, secret: null }),
    );
  }

  retirePreviousSecret(tenantId: string, keyId: string, context: CallerContext): Promise<KeyResource> {
    return this.once(context, tenantId, 'retire previous secret', { keyId }, (keep) =>
      this.run({ type: 'RetirePreviousSecret', ...this.stamp(tenantId) }, context, keep, keyId),
    );
  }

  revoke(
    tenantId: string,
    keyId: string,
    wish: { reason: string | null; ceiling: Ceiling | null },
    context: CallerContext,
  ): Promise<KeyResource> {
    return this.once(context, tenantId, 'revoke key', { keyId, ...wish }, (keep) =>
      this.run({ type: 'RevokeKey', ...wish, ...this.stamp(tenantId) }, context, keep, keyId),
    );
  }

  private once(
    context: CallerContext,
    tenantId: string,
    route: string,
    asked: Record<string, unknown>,
    execute: (keep: (outcome: KeyResource) => IdempotencyRecord | undefined) => Promise<KeyResource>,
  ): Promise<KeyResource> {
    return this.idempotency.once(wishOf(context, tenantId, route, asked), execute, (key: KeyResource) => key);
  }

  private async run(
    command: KeyCommand,
    context: CallerContext,
    keep: (outcome: KeyResource) => IdempotencyRecord | undefined,
    existingKeyId?: string,
  ): Promise<KeyResource> {
    const keyId = 'keyId' in command ? command.keyId : (existingKeyId as string);
    if (!isTenantId(command.tenantId)) throw new Rejection('TENANT_NOT_FOUND');
    if (!isKeyId(keyId)) throw new Rejection('KEY_NOT_FOUND');
    const resource = ({ state, version }: Folded<KeyState>) =>
      keyResourceOf(state as ExistingKey, version, command.nowMs);
    const reason = command.type === 'RevokeKey' ? command.reason : null;
    return resource(
      await handleCommand(this.store, keyDecider, command, {
        streamId: streamOfKey(keyId),
        tenantId: command.tenantId,
        metadata: metadataOf(context, reason),
        isNew: 'keyId' in command,
        project: (folded): Projected => ({ kind: 'key', ...folded }),
        idempotency: (folded) => keep(resource(folded)),
      }),
    );
  }

  /** A secret names its environment, so the key is looked at before one is composed for it. */
  private async environmentOf(tenantId: string, keyId: string): Promise<Environment> {
    const stored = isKeyId(keyId) ? await this.store.read(streamOfKey(keyId)) : [];
    const state = stored.reduce(
      (folded, event) => keyDecider.evolve(folded, keyDecider.upcast(event)),
      keyDecider.initialState,
    );
    if (state.status === 'none' || state.tenantId !== tenantId) throw new Rejection('KEY_NOT_FOUND');
    return state.environment;
  }

  private stamp(tenantId: string): { tenantId: string; nowMs: number } {
    return { tenantId, nowMs: this.chance.nowMs() };
  }
}
