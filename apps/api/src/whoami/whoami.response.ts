import { ApiProperty } from '@nestjs/swagger';

/** The key that a request was made with. */
export class WhoamiResponse {
  @ApiProperty({ example: 'key_0d3f6b8a1c2e4f5061728394a5b6c7' })
  keyId!: string;

  @ApiProperty({ example: 'acme' })
  tenantId!: string;

  @ApiProperty({ enum: ['live', 'test'], example: 'live' })
  environment!: 'live' | 'test';

  @ApiProperty({ type: [String], example: ['read'] })
  scopes!: string[];

  @ApiProperty({
    description: 'Null: the key does not expire.',
    type: String,
    format: 'date-time',
    nullable: true,
    example: '2027-06-30T00:00:00.000Z',
  })
  expiresAt!: string | null;

  @ApiProperty({ description: 'Which secret of the key was shown, from 1.', type: 'integer', example: 1 })
  secretGeneration!: number;
}
