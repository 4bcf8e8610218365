import { subjectOfTenant } from '#libs/fence';
import type { ExistingTenant } from './tenant.decider.js';

/** A tenant as the operator sees it. Times are ISO 8601, UTC. */
export interface TenantResource {
  id: string;
  name: string;
  status: 'active' | 'suspended';
  maxActiveKeys: number;
  /** The product that it belongs to. */
  profile: string;
  /** Null where the product has no plans. */
  plan: string | null;
  registeredAt: string;
}

/** With the revision that it was read at, or that its change came to. */
export type RevisedTenant = TenantResource & { revision: string };

export function tenantResourceOf(tenant: ExistingTenant): TenantResource {
  return {
    id: tenant.tenantId,
    name: tenant.name,
    status: tenant.status,
    maxActiveKeys: tenant.maxActiveKeys,
    profile: tenant.profile,
    plan: tenant.plan,
    registeredAt: new Date(tenant.registeredAtMs).toISOString(),
  };
}

/** The subject of fence entries is the stream that changed. */
export const streamOfTenant = subjectOfTenant;
