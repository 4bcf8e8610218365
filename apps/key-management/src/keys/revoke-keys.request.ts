import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  ArrayUnique,
  IsArray,
  IsBoolean,
  IsIn,
  IsObject,
  IsString,
  Length,
  MaxLength,
  ValidateNested,
} from 'class-validator';
import { CanBeAbsent, IsInstant, IsStorable } from '../request-fields.request.js';
import { RevokeKeyRequest } from './revoke-key.request.js';

/** Most ids in one request. */
const IDS_MAX = 1000;

export class CreatorRequest {
  @ApiProperty({ enum: ['operator', 'service', 'key'], example: 'service' })
  @IsIn(['operator', 'service', 'key'])
  type!: string;

  @ApiProperty({ example: 'billing', description: 'As in the history of a key.' })
  @IsString()
  @Length(1, 255)
  @IsStorable()
  id!: string;
}

/** A key must fit everything that is given. */
export class RevokeKeysRequest extends RevokeKeyRequest {
  @ApiPropertyOptional({ type: [String], example: ['key_4f1c0a7be9d24c5f8a6b3e2d1c0f9a'], maxItems: IDS_MAX })
  @CanBeAbsent()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(IDS_MAX)
  @ArrayUnique()
  @IsString({ each: true })
  @MaxLength(100, { each: true })
  @IsStorable()
  keyIds?: string[];

  @ApiPropertyOptional({ enum: ['live', 'test'] })
  @CanBeAbsent()
  @IsIn(['live', 'test'])
  environment?: 'live' | 'test';

  @ApiPropertyOptional({ type: CreatorRequest, description: 'Only keys made by this one.' })
  @CanBeAbsent()
  @IsObject()
  @ValidateNested()
  @Type(() => CreatorRequest)
  createdBy?: CreatorRequest;

  @ApiPropertyOptional({
    example: 'key_4f1c0a7be9d24c5f8a6b3e2d1c0f9a',
    description: 'Only keys that this key made, keys that those made, and so on; not the key itself.',
  })
  @CanBeAbsent()
  @IsString()
  @MaxLength(100)
  @IsStorable()
  descendantsOf?: string;

  @ApiPropertyOptional({
    format: 'date-time',
    example: '2026-01-01T00:00:00Z',
    description: 'Only keys last used before this; a key that was never used counts from when it was made.',
  })
  @CanBeAbsent()
  @IsInstant()
  lastUsedBefore?: string;

  @ApiPropertyOptional({
    example: false,
    description: 'True: every key of the tenant, where nothing else is given.',
  })
  @CanBeAbsent()
  @IsBoolean()
  all?: boolean;

  @ApiPropertyOptional({
    example: true,
    default: false,
    description: 'Tell what would be revoked, revoke nothing.',
  })
  @CanBeAbsent()
  @IsBoolean()
  dryRun?: boolean;
}
