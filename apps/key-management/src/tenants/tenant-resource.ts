import { revisionOf } from '#libs/service-kit/revision';
import type { ExistingTenant } from './tenant.decider.js';

/** A tenant as the operator sees it. Times are ISO 8601, UTC. */
export interface TenantResource {
  id: string;
  name: string;
  status: 'active' | 'suspended';
  maxActiveKeys: number;
  registeredAt: string;
  revision: string;
}

export function tenantResourceOf(tenant: ExistingTenant, version: number): TenantResource {
  return {
    id: tenant.tenantId,
    name: tenant.name,
    status: tenant.status,
    maxActiveKeys: tenant.maxActiveKeys,
    registeredAt: new Date(tenant.registeredAtMs).toISOString(),
    revision: revisionOf(streamOfTenant(tenant.tenantId), version),
  };
}

export function streamOfTenant(tenantId: string): string {
  return `tenant-${tenantId}`;
}
