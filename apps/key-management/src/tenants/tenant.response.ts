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

  @ApiProperty({ format: 'date-time', example: '2026-11-22T10:00:00.000Z' })
  registeredAt!: string;

  @ApiProperty({ example: 'kq3vXh0…', description: 'Opaque: what this answer has seen.' })
  revision!: string;
}

export class ChangedTenantResponse extends EnforcementResponse {
  @ApiProperty({ type: TenantResponse })
  tenant!: TenantResponse;
}
