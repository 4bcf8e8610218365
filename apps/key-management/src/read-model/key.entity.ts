import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { ExistingKey } from '../keys/key.state.js';

/** A key's latest state, with the columns that rules and lists need. */
@Entity({ schema: 'keys', name: 'keys' })
export class KeyEntity {
  @PrimaryColumn({ name: 'key_id', type: 'text' })
  keyId!: string;

  @Column({ name: 'tenant_id', type: 'text' })
  tenantId!: string;

  @Column({ type: 'text' })
  environment!: string;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt!: Date;

  @Column({ type: 'bigint' })
  version!: string;

  @Column({ type: 'jsonb' })
  state!: ExistingKey;
}
