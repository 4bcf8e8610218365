import { ApiProperty } from '@nestjs/swagger';
import { EnforcementResponse } from '../fencing/enforcement.response.js';

/** Shapes of the answers, for the OpenAPI document. */
export class HintResponse {
  @ApiProperty({ example: 'lk_live_8sQ1' })
  start!: string;

  @ApiProperty({ example: 'x7Zk' })
  end!: string;
}

export class KeyResponse {
  @ApiProperty({ example: 'key_4f1c0a7be9d24c5f8a6b3e2d1c0f9a' })
  id!: string;

  @ApiProperty({ example: 'acme' })
  tenantId!: string;

  @ApiProperty({ example: 'nightly export' })
  name!: string;

  @ApiProperty({ enum: ['live', 'test'], example: 'live' })
  environment!: string;

  @ApiProperty({ type: [String], example: ['read'] })
  scopes!: string[];

  @ApiProperty({ enum: ['active', 'expired', 'revoked'], example: 'active' })
  status!: string;

  @ApiProperty({ type: HintResponse, description: 'First and last characters of the current secret.' })
  hint!: HintResponse;

  @ApiProperty({ type: Object, example: { team: 'billing' } })
  metadata!: Record<string, unknown>;

  @ApiProperty({
    type: 'integer',
    nullable: true,
    example: null,
    description: 'Limit of this key alone, requests in any 60 seconds; null: as profile and plan say.',
  })
  requestsPerMinute!: number | null;

  @ApiProperty({ format: 'date-time', example: '2026-11-22T10:00:00.000Z' })
  createdAt!: string;

  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: null })
  expiresAt!: string | null;

  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: null })
  revokedAt!: string | null;

  @ApiProperty({ example: 1, description: 'Which secret of the key is the current one, from 1.' })
  secretGeneration!: number;

  @ApiProperty({
    type: String,
    format: 'date-time',
    nullable: true,
    example: null,
    description: 'Until when the secret before the current one stays valid.',
  })
  previousSecretValidUntil!: string | null;

  @ApiProperty({ example: 'kq3vXh0…', description: 'Opaque: what this answer has seen.' })
  revision!: string;
}

const SECRET = {
  type: String,
  nullable: true,
  example: 'lk_live_8sQ1vKq3nT5wYb7ZcR2dHf4JgL6mPxA9e0uSiX7x7Zk',
  description:
    'Shown here and nowhere else; null where an earlier answer to the same Idempotency-Key had it.',
} as const;

export class KeyWithSecretResponse {
  @ApiProperty({ type: KeyResponse })
  key!: KeyResponse;

  @ApiProperty(SECRET)
  secret!: string | null;

  @ApiProperty({ example: 'kq3vXh0…', description: 'That of the key.' })
  revision!: string;
}

export class ImportedKeyResponse {
  @ApiProperty({ type: KeyResponse })
  key!: KeyResponse;

  @ApiProperty({ example: 'kq3vXh0…', description: 'That of the key.' })
  revision!: string;
}

export class ChangedKeyResponse extends EnforcementResponse {
  @ApiProperty({ type: KeyResponse })
  key!: KeyResponse;
}

export class RotatedKeyResponse extends ChangedKeyResponse {
  @ApiProperty(SECRET)
  secret!: string | null;
}

export class KeyOnlyResponse {
  @ApiProperty({ type: KeyResponse })
  key!: KeyResponse;
}

export class RevokeFailureResponse {
  @ApiProperty({ example: 'key_4f1c0a7be9d24c5f8a6b3e2d1c0f9a' })
  keyId!: string;

  @ApiProperty({ example: 'CONFLICT' })
  code!: string;
}

export class RevokedKeysResponse extends EnforcementResponse {
  @ApiProperty({ example: false })
  dryRun!: boolean;

  @ApiProperty({ type: [String], description: 'Ids of the keys that this request revoked, or would revoke.' })
  revoked!: string[];

  @ApiProperty({ type: [String], description: 'Asked for by id, and revoked before.' })
  alreadyRevoked!: string[];

  @ApiProperty({ type: [String], description: 'Asked for by id, and no keys of this tenant.' })
  notFound!: string[];

  @ApiProperty({ type: [RevokeFailureResponse] })
  failed!: RevokeFailureResponse[];

  @ApiProperty({ description: 'More than 10,000 keys are meant: ask again for the rest.' })
  more!: boolean;
}

export class KeyListResponse {
  @ApiProperty({ type: [KeyResponse] })
  data!: KeyResponse[];

  @ApiProperty({ type: String, nullable: true, example: null, description: 'Ask for the next page with it.' })
  nextCursor!: string | null;
}

export class KeyEventResponse {
  @ApiProperty({ example: 'KeyCreated' })
  type!: string;

  @ApiProperty({ example: 1, description: 'Place in the history of the key, from 1.' })
  version!: number;

  @ApiProperty({ format: 'date-time', example: '2026-11-22T10:00:00.000Z' })
  at!: string;

  @ApiProperty({ type: Object, example: { type: 'operator', id: 'operator' } })
  actor!: { type: string; id: string };

  @ApiProperty({ type: String, nullable: true, example: '203.0.113.7' })
  sourceAddress!: string | null;

  @ApiProperty({ type: String, nullable: true, example: null })
  reason!: string | null;

  @ApiProperty({ type: String, nullable: true, example: '0f8f2f52-6b0c-4d7e-9d8e-3c1f8f0b7d11' })
  requestId!: string | null;

  @ApiProperty({ type: String, nullable: true, example: null })
  traceId!: string | null;

  @ApiProperty({ type: Object, example: { scopes: ['read'] }, description: 'What happened; never a digest.' })
  data!: object;
}

export class KeyHistoryResponse {
  @ApiProperty({ type: [KeyEventResponse] })
  data!: KeyEventResponse[];
}

export class KeyUsageResponse {
  @ApiProperty({ format: 'date-time', example: '2026-11-22T10:00:00.000Z' })
  createdAt!: string;

  @ApiProperty({
    type: String,
    format: 'date-time',
    nullable: true,
    description: 'Last request answered below 400, or as `lastAuthenticatedAt` where the product has it so.',
  })
  lastUsedAt!: string | null;

  @ApiProperty({
    type: String,
    format: 'date-time',
    nullable: true,
    description: 'Last request that named a live key.',
  })
  lastAuthenticatedAt!: string | null;

  @ApiProperty({ example: 1024, description: 'Authenticated requests of the 30 days ending now.' })
  requests30d!: number;

  @ApiProperty({ example: 3, description: 'Refused requests of the 30 days ending now.' })
  refused30d!: number;

  @ApiProperty({ type: Object, example: { VALID: 1020, INSUFFICIENT_SCOPE: 4, REVOKED: 3 } })
  byOutcome!: Record<string, number>;

  @ApiProperty({ format: 'date-time', description: 'Where the 30 days start: a quarter of an hour, UTC.' })
  windowStart!: string;
}
