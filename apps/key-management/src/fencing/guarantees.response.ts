import { ApiProperty } from '@nestjs/swagger';

/** Shapes of the answers, for the OpenAPI document. */
export class GuaranteesResponse {
  @ApiProperty({ example: 10_000, description: 'How long a verifier may answer without hearing from here.' })
  leaseMs!: number;

  @ApiProperty({ example: 0, description: 'How long a verifier may answer beyond that, flagged, at most.' })
  serveStaleMaxMs!: number;

  @ApiProperty({
    example: 10_205,
    description: 'Longest that a restriction takes to hold everywhere, whatever is away or stands still.',
  })
  revokeWorstCaseMs!: number;

  @ApiProperty({ example: '7575757575757575757-00000001-1' })
  epoch!: string;

  @ApiProperty({
    description: 'False: leases from before a restore or failover may be about, so all waits are full.',
  })
  epochSettled!: boolean;

  @ApiProperty({ example: 42, description: 'Changes of existing keys and tenants so far.' })
  fenceHead!: number;

  @ApiProperty({ example: 3 })
  liveVerifiers!: number;
}

export class LiveVerifierResponse {
  @ApiProperty({ example: 'verifier-1:3003' })
  verifierId!: string;

  @ApiProperty({ format: 'uuid' })
  incarnation!: string;

  @ApiProperty({ type: [String], example: ['default'] })
  profiles!: string[];

  @ApiProperty({ example: 42, description: 'Every change up to this one is applied, as far as it said.' })
  applied!: number;

  @ApiProperty({ example: 0, description: 'Changes that it did not say it applied.' })
  lag!: number;

  @ApiProperty({ example: 0 })
  serveStaleMs!: number;

  @ApiProperty({ example: 8123, description: 'By the clock of the database: about how long it may go on.' })
  leaseLeftMs!: number;
}

export class LiveVerifiersResponse {
  @ApiProperty({ type: [LiveVerifierResponse] })
  data!: LiveVerifierResponse[];
}
