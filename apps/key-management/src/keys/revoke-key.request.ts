import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsString, MaxLength } from 'class-validator';
import { CanBeAbsent, IsStorable } from '../request-fields.request.js';

export class RevokeKeyRequest {
  @ApiPropertyOptional({ example: 'leaked in a log', maxLength: 500 })
  @CanBeAbsent()
  @IsString()
  @MaxLength(500)
  @IsStorable()
  reason?: string;
}
