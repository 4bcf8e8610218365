import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';

const TIME = { type: String, format: 'date-time', example: '2026-11-22T10:15:00.000Z' } as const;
const TIME_OR_NULL = { ...TIME, nullable: true } as const;

class HintResponse {
  @ApiProperty({ description: 'First characters of the current secret.', example: 'lk_live_7Gh2' })
  start!: string;

  @ApiProperty({ description: 'Last characters of the current secret.', example: 'x9Qz' })
  end!: string;
}

/** A key as its tenant sees it. */
export class KeyResponse {
  @ApiProperty({ example: 'key_0d3f6b8a1c2e4f5061728394a5b6c7' })
  id!: string;

  @ApiProperty({ example: 'acme' })
  tenantId!: string;

  @ApiProperty({ example: 'Billing job' })
  name!: string;

  @ApiProperty({ enum: ['live', 'test'], example: 'live' })
  environment!: 'live' | 'test';

  @ApiProperty({ type: [String], example: ['read'] })
  scopes!: string[];

  @ApiProperty({ enum: ['active', 'expired', 'revoked'], example: 'active' })
  status!: 'active' | 'expired' | 'revoked';

  @ApiProperty({ description: 'To recognise the current secret by.', type: HintResponse })
  hint!: HintResponse;

  @ApiProperty({ type: 'object', additionalProperties: true, example: { team: 'billing' } })
  metadata!: Record<string, unknown>;

  @ApiProperty({
    description: 'Limit of this key alone, requests in any 60 seconds; null: as its product and plan say.',
    type: 'integer',
    nullable: true,
    example: null,
  })
  requestsPerMinute!: number | null;

  @ApiProperty(TIME)
  createdAt!: string;

  @ApiProperty({ ...TIME_OR_NULL, description: 'Null: the key does not expire.' })
  expiresAt!: string | null;

  @ApiProperty({ ...TIME_OR_NULL, description: 'Null: the key is not revoked.', example: null })
  revokedAt!: string | null;

  @ApiProperty({ description: 'Generation of the current secret, from 1.', type: 'integer', example: 1 })
  secretGeneration!: number;

  @ApiProperty({
    ...TIME_OR_NULL,
    description: 'Until when the secret before the current one is valid; null when there is none.',
    example: null,
  })
  previousSecretValidUntil!: string | null;

  @ApiProperty({ description: 'Opaque: the state of the key that this is.', example: 'kq3vXh0…' })
  revision!: string;
}

const SECRET = {
  description:
    'The secret, shown here and never again. Null in the answer to a request repeated with its Idempotency-Key.',
  type: String,
  nullable: true,
  example: 'lk_live_7Gh2…x9Qz',
} as const;

/** A key with its new secret. */
export class IssuedKeyResponse {
  @ApiProperty({ type: KeyResponse })
  key!: KeyResponse;

  @ApiProperty(SECRET)
  secret!: string | null;
}

class VerifiersResponse {
  @ApiProperty({ description: 'Said that they apply it.', type: 'integer', example: 3 })
  acked!: number;

  @ApiProperty({
    description: 'Said nothing, and can answer no more by what they knew before.',
    type: 'integer',
    example: 0,
  })
  expired!: number;
}

/** How a change stands. */
export class EnforcementResponse {
  @ApiProperty({
    description:
      'enforced: any request that starts from now on is judged by it. committed: with enforcedBy, it is not in effect everywhere yet; without, there is nothing to wait for.',
    enum: ['enforced', 'committed'],
    example: 'enforced',
  })
  status!: 'enforced' | 'committed';

  @ApiProperty({ description: 'Opaque: the state that the change came to.', example: 'kq3vXh0…' })
  revision!: string;

  @ApiPropertyOptional({ description: 'Of what is enforced.', enum: ['acks', 'leaseExpiry'] })
  via?: 'acks' | 'leaseExpiry';

  @ApiPropertyOptional({ description: 'Of what is enforced: milliseconds.', type: 'integer', example: 12 })
  waitedMs?: number;

  @ApiPropertyOptional({ description: 'Of what is enforced.', type: VerifiersResponse })
  verifiers?: VerifiersResponse;

  @ApiPropertyOptional({
    ...TIME,
    description: 'Of what is committed: when it is enforced at the latest. For people: clocks differ.',
  })
  enforcedBy?: string;
}

export class ChangedKeyResponse extends EnforcementResponse {
  @ApiProperty({ type: KeyResponse })
  key!: KeyResponse;
}

export class RotatedKeyResponse extends ChangedKeyResponse {
  @ApiProperty(SECRET)
  secret!: string | null;
}

class InsightsResponse {
  @ApiProperty(TIME)
  createdAt!: string;

  @ApiProperty({
    ...TIME_OR_NULL,
    description:
      'The last request that was answered with a status below 400, or as lastAuthenticatedAt where the product has it so.',
  })
  lastUsedAt!: string | null;

  @ApiProperty({ ...TIME_OR_NULL, description: 'The last request that named the key while it lived.' })
  lastAuthenticatedAt!: string | null;

  @ApiProperty({
    description: 'Authenticated requests of the 30 days ending now.',
    type: 'integer',
    example: 1204,
  })
  requests30d!: number;

  @ApiProperty({ description: 'Refused requests of the 30 days ending now.', type: 'integer', example: 3 })
  refused30d!: number;

  @ApiProperty({
    description: 'Requests of the 30 days by verdict.',
    type: 'object',
    additionalProperties: { type: 'integer' },
    example: { VALID: 1200, INSUFFICIENT_SCOPE: 4, REVOKED: 3 },
  })
  byOutcome!: Record<string, number>;

  @ApiProperty({ ...TIME, description: 'Where the 30 days start: a quarter of an hour, UTC.' })
  windowStart!: string;
}

/** A key with how much it was used. */
export class KeyWithInsightsResponse extends KeyResponse {
  @ApiProperty({ type: InsightsResponse })
  insights!: InsightsResponse;
}

export class KeyListResponse {
  @ApiProperty({ type: [KeyWithInsightsResponse] })
  data!: KeyWithInsightsResponse[];

  @ApiPropertyOptional({
    description: 'To be handed in as cursor for the next page; null on the last.',
    type: String,
    nullable: true,
    example: null,
  })
  nextCursor?: string | null;

  @ApiPropertyOptional({ description: 'Whether there are more in the direction that was asked for.' })
  hasMore?: boolean;
}
