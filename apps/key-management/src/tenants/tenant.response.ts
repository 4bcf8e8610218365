import { ApiProperty } from '@nestjs/swagger';
import { EnforcementResponse } from '../fencing/enforcement.response.js';

export class TenantResponse {
  @ApiProperty({ example: 'acme' })
  id!: string;

  @ApiProperty({ example: 'Acme Inc.' })
  name!: string;

  @ApiProperty({ enum: ['active', 'suspended'], example: 'active' })
  status!: string;

  @ApiProperty({ example: 1000 })
  maxActiveKeys!: number;

  @ApiProperty({ example: 'default', description: 'The product that it belongs to, for ever.' })
  profile!: string;

  @ApiProperty({
    type: String,
    nullable: true,
    example: null,
    description: 'Null where the product has no plans.',
  })
  plan!: string | null;

  @ApiProperty({ format: 'date-time', example: '2026-11-22T10:00:00.000Z' })
  registeredAt!: string;

  @ApiProperty({ example: 'kq3vXh0…', description: 'Opaque: what this answer has seen.' })
  revision!: string;
}

export class ChangedTenantResponse extends EnforcementResponse {
  @ApiProperty({ type: TenantResponse })
  tenant!: TenantResponse;
}
