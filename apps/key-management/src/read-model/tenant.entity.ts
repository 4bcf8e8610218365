import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { ExistingTenant } from '../tenants/tenant.decider.js';

/** A tenant's latest state and how many active keys it has. */
@Entity({ schema: 'keys', name: 'tenants' })
export class TenantEntity {
  @PrimaryColumn({ name: 'tenant_id', type: 'text' })
  tenantId!: string;

  @Column({ type: 'bigint' })
  version!: string;

  @Column({ type: 'jsonb' })
  state!: ExistingTenant;
}
