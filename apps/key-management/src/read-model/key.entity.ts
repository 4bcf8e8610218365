import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { ExistingKey } from '../keys/key.state.js';

/** A key's latest state, with what it is found by. */
@Entity({ schema: 'keys', name: 'keys' })
export class KeyEntity {
  @PrimaryColumn({ name: 'key_id', type: 'text' })
  keyId!: string;

  @Column({ name: 'tenant_id', type: 'text' })
  tenantId!: string;

  @Column({ type: 'bigint' })
  version!: string;

  @Column({ type: 'jsonb' })
  state!: ExistingKey;
}
