import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional, IsString } from 'class-validator';

export class ChangeVersionRequest {
  @ApiPropertyOptional({
    description: 'Date of the version, not older than the account’s; left out: the newest.',
    type: String,
    format: 'date',
    nullable: true,
    example: '2026-10-01',
  })
  @IsOptional()
  @IsString()
  version?: string | null;
}
