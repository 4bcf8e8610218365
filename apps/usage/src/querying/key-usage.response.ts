import { ApiProperty } from '@nestjs/swagger';
import type { CountedOutcome } from '#libs/contracts';

/** Requests by verdict; every verdict that is counted, 0 where there was none. */
export class OutcomeCountsResponse implements Record<CountedOutcome, number> {
  @ApiProperty({ example: 0, description: 'The key was revoked.' })
  REVOKED!: number;

  @ApiProperty({ example: 3, description: 'The secret was replaced and its grace period is over.' })
  SECRET_RETIRED!: number;

  @ApiProperty({ example: 0, description: 'The key was expired.' })
  EXPIRED!: number;

  @ApiProperty({ example: 0, description: 'The tenant was suspended.' })
  TENANT_SUSPENDED!: number;

  @ApiProperty({ example: 12, description: 'The key has not all scopes that were asked for.' })
  INSUFFICIENT_SCOPE!: number;

  @ApiProperty({ example: 0, description: 'The key was used too often.' })
  RATE_LIMITED!: number;

  @ApiProperty({ example: 10412, description: 'The key was valid.' })
  VALID!: number;
}

export class KeyUsageResponse {
  @ApiProperty({ example: 'key_4f1c0a7be9d24c5f8a6b3e2d1c0f9a' })
  keyId!: string;

  @ApiProperty({
    type: String,
    format: 'date-time',
    nullable: true,
    example: '2026-11-02T10:00:00.000Z',
    description: 'When the key was created; null while this service has not heard of it yet.',
  })
  createdAt!: string | null;

  @ApiProperty({
    type: String,
    format: 'date-time',
    nullable: true,
    example: '2026-11-22T09:59:58.120Z',
    description:
      'The last request whose final status was below 400, or that was VALID where no status is known; null: none yet.',
  })
  lastUsedAt!: string | null;

  @ApiProperty({
    type: String,
    format: 'date-time',
    nullable: true,
    example: '2026-11-22T09:59:58.120Z',
    description: 'The last request that named a live key, whatever came of it; null: none yet.',
  })
  lastAuthenticatedAt!: string | null;

  @ApiProperty({
    example: 10424,
    description: 'Authenticated requests since windowStart: VALID, INSUFFICIENT_SCOPE and RATE_LIMITED.',
  })
  requests30d!: number;

  @ApiProperty({ example: 3, description: 'Refused requests since windowStart: all other verdicts.' })
  refused30d!: number;

  @ApiProperty({ type: OutcomeCountsResponse, description: 'Requests since windowStart by verdict.' })
  byOutcome!: OutcomeCountsResponse;

  @ApiProperty({
    format: 'date-time',
    example: '2026-10-23T10:00:00.000Z',
    description: 'Where the 30 days that end now begin: a quarter of an hour, UTC.',
  })
  windowStart!: string;
}
