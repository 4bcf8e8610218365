import type { NewEvent } from '#libs/event-store';
import { schemaVersionWith, upcastWith, type Upcasters } from '../commands/upcast.js';

/** Facts about tenants. A shape is never changed: a new one is a new schema version with an upcaster below. */
export type TenantEvent =
  | {
      type: 'TenantRegistered';
      data: {
        tenantId: string;
        name: string;
        maxActiveKeys: number;
        /** The product that it belongs to, for ever. */
        profile: string;
        /** Null where the product has no plans. */
        plan: string | null;
        registeredAtMs: number;
      };
    }
  | { type: 'TenantChanged'; data: { name: string; maxActiveKeys: number } }
  | { type: 'TenantPlanChanged'; data: { plan: string | null } }
  | { type: 'TenantSuspended'; data: { reason: string | null; suspendedAtMs: number } }
  | { type: 'TenantResumed'; data: { reason: string | null; resumedAtMs: number } };

/** What brings each type's data from one schema version to the next; no step is ever changed. */
export const TENANT_UPCASTERS: Upcasters<TenantEvent['type']> = {
  // 2: profile and plan; before there were any, every tenant was the default one's.
  TenantRegistered: [(data) => ({ ...data, profile: 'default', plan: null })],
  TenantChanged: [],
  TenantPlanChanged: [],
  TenantSuspended: [],
  TenantResumed: [],
};

export function upcastTenantEvent(stored: NewEvent): TenantEvent {
  return { type: stored.type, data: upcastWith(TENANT_UPCASTERS, stored) } as TenantEvent;
}

export function tenantEventSchemaVersion(type: TenantEvent['type']): number {
  return schemaVersionWith(TENANT_UPCASTERS, type);
}
