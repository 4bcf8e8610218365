import { Rejection } from '#libs/contracts';
import type { EventStore } from '#libs/event-store';
import { type CallerContext, metadataOf } from '../commands/caller-context.js';
import { handleCommand } from '../commands/handle-command.js';
import type { Projected } from '../read-model/projected.js';
import { type ExistingTenant, type TenantCommand, tenantDecider } from './tenant.decider.js';
import { isTenantId } from './tenant-id.js';
import { streamOfTenant, type TenantResource, tenantResourceOf } from './tenant-resource.js';

/** Every wish that changes tenants. All are idempotent by nature: they name the state that is wanted. */
export class TenantCommands {
  constructor(
    private readonly store: EventStore<Projected>,
    private readonly nowMs: () => number,
  ) {}

  /** Registers the tenant or changes what is given; `created` tells which. */
  async register(
    tenantId: string,
    wish: { name?: string | undefined; maxActiveKeys?: number | undefined },
    context: CallerContext,
  ): Promise<{ tenant: TenantResource; created: boolean }> {
    const { name, maxActiveKeys } = wish;
    const tenant = await this.run(
      { type: 'RegisterTenant', name, maxActiveKeys, ...this.stamp(tenantId) },
      context,
    );
    return { tenant: tenant.resource, created: tenant.changed && tenant.version === 1 };
  }

  async suspend(tenantId: string, reason: string | null, context: CallerContext): Promise<TenantResource> {
    return (await this.run({ type: 'SuspendTenant', reason, ...this.stamp(tenantId) }, context)).resource;
  }

  async resume(tenantId: string, reason: string | null, context: CallerContext): Promise<TenantResource> {
    return (await this.run({ type: 'ResumeTenant', reason, ...this.stamp(tenantId) }, context)).resource;
  }

  private async run(command: TenantCommand, context: CallerContext) {
    const { tenantId } = command;
    if (!isTenantId(tenantId)) throw new Rejection('TENANT_NOT_FOUND');
    const { state, version, changed } = await handleCommand(this.store, tenantDecider, command, {
      streamId: streamOfTenant(tenantId),
      tenantId,
      metadata: metadataOf(context, 'reason' in command ? command.reason : null),
      project: (folded): Projected => ({ kind: 'tenant', ...folded }),
    });
    return { resource: tenantResourceOf(state as ExistingTenant, version), version, changed };
  }

  private stamp(tenantId: string): { tenantId: string; nowMs: number } {
    return { tenantId, nowMs: this.nowMs() };
  }
}
