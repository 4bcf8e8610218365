import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsInt, IsString, Length, Max, MaxLength, Min } from 'class-validator';
import { CanBeAbsent, IsStorable } from '../request-fields.request.js';

export class RegisterTenantRequest {
  @ApiPropertyOptional({
    example: 'Acme Inc.',
    minLength: 1,
    maxLength: 100,
    description: 'Default: the id.',
  })
  @CanBeAbsent()
  @IsString()
  @Length(1, 100)
  @IsStorable()
  name?: string;

  @ApiPropertyOptional({
    example: 1000,
    minimum: 0,
    maximum: 1_000_000,
    default: 1000,
    description: 'Most keys that are neither revoked nor expired.',
  })
  @CanBeAbsent()
  @IsInt()
  @Min(0)
  @Max(1_000_000)
  maxActiveKeys?: number;
}

export class ReasonRequest {
  @ApiPropertyOptional({ example: 'invoice overdue', maxLength: 500 })
  @CanBeAbsent()
  @IsString()
  @MaxLength(500)
  @IsStorable()
  reason?: string;
}
