import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import {
  ArrayMaxSize,
  ArrayUnique,
  IsArray,
  IsIn,
  IsObject,
  IsOptional,
  IsString,
  Length,
  Matches,
} from 'class-validator';
import { CanBeAbsent, IsInstant, IsStorable } from '../request-fields.request.js';
import { IsMetadata, SCOPE_PATTERN, SCOPES_MAX } from './key-fields.request.js';

export class CreateKeyRequest {
  @ApiProperty({ example: 'nightly export', minLength: 1, maxLength: 100 })
  @IsString()
  @Length(1, 100)
  @IsStorable()
  name!: string;

  @ApiProperty({ enum: ['live', 'test'], example: 'live' })
  @IsIn(['live', 'test'])
  environment!: 'live' | 'test';

  @ApiPropertyOptional({
    type: [String],
    example: ['read'],
    description: 'Scopes, matched exactly; at most 64. Needed unless the product gives some by itself.',
  })
  @CanBeAbsent()
  @IsArray()
  @ArrayMaxSize(SCOPES_MAX)
  @ArrayUnique()
  @Matches(SCOPE_PATTERN, { each: true, message: `each scope must match ${SCOPE_PATTERN.source}` })
  scopes?: string[];

  @ApiPropertyOptional({
    type: String,
    format: 'date-time',
    nullable: true,
    example: '2030-01-01T00:00:00Z',
    description: 'When the key ends; absent or null: never.',
  })
  @IsOptional()
  @IsInstant()
  expiresAt?: string | null;

  @ApiPropertyOptional({
    type: Object,
    example: { team: 'billing' },
    description: 'Any JSON object up to 4 KiB.',
  })
  @CanBeAbsent()
  @IsObject()
  @IsMetadata()
  @IsStorable()
  metadata?: Record<string, unknown>;
}
