import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import {
  ArrayMaxSize,
  ArrayUnique,
  IsArray,
  IsIn,
  IsISO8601,
  IsObject,
  IsOptional,
  IsString,
  Length,
  Matches,
} from 'class-validator';

const SCOPE = /^[a-z][a-z0-9:._-]{0,63}$/;
/** RFC 3339; the calendar is looked at apart. A leap second is no time that a Date can hold. */
const RFC3339 =
  /^\d{4}-\d\d-\d\d[Tt]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)$/;

export class CreateKeyRequest {
  @ApiProperty({
    description: 'What people call the key.',
    minLength: 1,
    maxLength: 100,
    example: 'Billing job',
  })
  @IsString()
  @Length(1, 100)
  name!: string;

  @ApiPropertyOptional({
    description: 'Environment of the key: the managing key’s own, which is also the default.',
    type: String,
    enum: ['live', 'test'],
    nullable: true,
    example: 'live',
  })
  @IsOptional()
  @IsIn(['live', 'test'])
  environment?: 'live' | 'test' | null;

  @ApiPropertyOptional({
    description:
      'What the key may do; each must be one of the managing key’s own scopes. Needed unless the product gives some by itself.',
    type: [String],
    maxItems: 64,
    uniqueItems: true,
    nullable: true,
    items: { type: 'string', pattern: SCOPE.source },
    example: ['read'],
  })
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(64)
  @ArrayUnique()
  @IsString({ each: true })
  @Matches(SCOPE, { each: true })
  scopes?: string[] | null;

  @ApiPropertyOptional({
    description: 'When the key stops working, not after the managing key. Absent or null: never.',
    type: String,
    format: 'date-time',
    nullable: true,
    example: '2027-06-30T00:00:00Z',
  })
  @IsOptional()
  @IsISO8601({ strict: true })
  @Matches(RFC3339, { message: '$property must have a date, a time and an offset from UTC' })
  expiresAt?: string | null;

  @ApiPropertyOptional({
    description: 'Anything worth keeping with the key; at most 4 KiB as JSON.',
    type: 'object',
    additionalProperties: true,
    nullable: true,
    example: { team: 'billing' },
  })
  @IsOptional()
  @IsObject()
  metadata?: Record<string, unknown> | null;
}
