import { ApiPropertyOptional } from '@nestjs/swagger';
import {
  ArrayMaxSize,
  ArrayUnique,
  IsArray,
  IsObject,
  IsString,
  Length,
  Matches,
  ValidateIf,
} from 'class-validator';
import { CanBeAbsent, IsInstant, IsStorable } from '../request-fields.request.js';
import { IsMetadata, SCOPE_PATTERN, SCOPES_MAX } from './key-fields.request.js';

/** What is absent stays as it is. */
export class ChangeKeyRequest {
  @ApiPropertyOptional({ example: 'nightly export', minLength: 1, maxLength: 100 })
  @CanBeAbsent()
  @IsString()
  @Length(1, 100)
  @IsStorable()
  name?: string;

  @ApiPropertyOptional({ type: [String], example: ['read'], description: 'Instead of the scopes it has.' })
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
    description: 'When the key ends; null: never.',
  })
  @ValidateIf((_, value) => value !== undefined && value !== null)
  @IsInstant()
  expiresAt?: string | null;

  @ApiPropertyOptional({
    type: Object,
    example: { team: 'billing' },
    description: 'Any JSON object up to 4 KiB, instead of the one it has.',
  })
  @CanBeAbsent()
  @IsObject()
  @IsMetadata()
  @IsStorable()
  metadata?: Record<string, unknown>;
}
