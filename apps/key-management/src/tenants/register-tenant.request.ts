import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsInt, IsOptional, IsString, Length, Matches, Max, MaxLength, Min } from 'class-validator';
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
    description: 'Most keys that are neither revoked nor expired; never more than the product allows.',
  })
  @CanBeAbsent()
  @IsInt()
  @Min(0)
  @Max(1_000_000)
  maxActiveKeys?: number;

  @ApiPropertyOptional({
    example: 'default',
    default: 'default',
    description:
      'The product that the tenant belongs to. It is set when the tenant is registered, and never changes.',
  })
  @CanBeAbsent()
  @Matches(/^[a-z][a-z0-9-]{0,31}$/)
  profile?: string;

  @ApiPropertyOptional({
    type: String,
    nullable: true,
    example: null,
    description: 'One of the product’s plans; absent: as it is, of a new tenant the first.',
  })
  @IsOptional()
  @Matches(/^[a-z][a-z0-9-]{0,31}$/)
  plan?: string | null;
}

export class ReasonRequest {
  @ApiPropertyOptional({ example: 'invoice overdue', maxLength: 500 })
  @CanBeAbsent()
  @IsString()
  @MaxLength(500)
  @IsStorable()
  reason?: string;
}
