import { Rejection } from '#libs/contracts';
import type { EventStore } from '#libs/event-store';
import type { Profiles } from '#libs/profiles';
import { type CallerContext, metadataOf } from '../commands/caller-context.js';
import type { ChangeRate } from '../commands/change-rate.js';
import { handleCommand } from '../commands/handle-command.js';
import { fenceChangeOfTenant } from '../fencing/fence-change.js';
import type { Committed, FencedChanges } from '../fencing/fenced-changes.js';
import type { FenceReceipt } from '../fencing/fence-ledger.js';
import type { Projected } from '../read-model/projected.js';
import { type ExistingTenant, type TenantCommand, tenantDecider, type TenantWish } from './tenant.decider.js';
import { isTenantId } from './tenant-id.js';
import { streamOfTenant, type TenantResource, tenantResourceOf } from './tenant-resource.js';

/** Every wish that changes tenants. All are idempotent by nature: they name the state that is wanted. */
export class TenantCommands {
  constructor(
    private readonly store: EventStore<Projected, FenceReceipt>,
    private readonly fenced: FencedChanges,
    private readonly rate: ChangeRate,
    private readonly profiles: Profiles,
    private readonly nowMs: () => number,
  ) {}

  /** Registers the tenant or changes what is given; `created` tells which. */
  async register(
    tenantId: string,
    wish: TenantWish,
    context: CallerContext,
  ): Promise<Committed<TenantResource> & { created: boolean }> {
    const { profiles } = this;
    return this.run({ type: 'RegisterTenant', ...wish, profiles, ...this.stamp(tenantId) }, context);
  }

  suspend(
    tenantId: string,
    reason: string | null,
    context: CallerContext,
  ): Promise<Committed<TenantResource>> {
    return this.run({ type: 'SuspendTenant', reason, ...this.stamp(tenantId) }, context);
  }

  resume(
    tenantId: string,
    reason: string | null,
    context: CallerContext,
  ): Promise<Committed<TenantResource>> {
    return this.run({ type: 'ResumeTenant', reason, ...this.stamp(tenantId) }, context);
  }

  private async run(
    command: TenantCommand,
    context: CallerContext,
  ): Promise<Committed<TenantResource> & { created: boolean }> {
    const { tenantId } = command;
    if (!isTenantId(tenantId)) throw new Rejection('TENANT_NOT_FOUND');
    this.rate.admit(tenantId);
    const stream = streamOfTenant(tenantId);
    const { state, version, projected, receipt } = await handleCommand(this.store, tenantDecider, command, {
      streamId: stream,
      tenantId,
      metadata: metadataOf(context, 'reason' in command ? command.reason : null),
      project: (after, _, events): Projected => ({
        kind: 'tenant',
        ...after,
        fence: fenceChangeOfTenant(tenantId, events, after.version, (after.state as ExistingTenant).profile),
      }),
    });
    const resource = tenantResourceOf(state as ExistingTenant);
    // Also where it was suspended before: whoever suspended it may not have been answered.
    const effect = command.type === 'SuspendTenant' ? ({ kind: 'TENANT', bindsFromMs: 0 } as const) : null;
    const committed = await this.fenced.committed(resource, stream, version, effect, receipt);
    return { ...committed, created: projected !== undefined && version === 1 };
  }

  private stamp(tenantId: string): { tenantId: string; nowMs: number } {
    return { tenantId, nowMs: this.nowMs() };
  }
}
