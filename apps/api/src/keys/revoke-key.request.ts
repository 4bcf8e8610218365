import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional, IsString, Length } from 'class-validator';

export class RevokeKeyRequest {
  @ApiPropertyOptional({
    description: 'Why, for the key’s history.',
    type: String,
    minLength: 1,
    maxLength: 500,
    pattern: '^[^\\u0000]*$',
    nullable: true,
    example: 'Found in a public repository',
  })
  @IsOptional()
  @IsString()
  @Length(1, 500)
  reason?: string | null;
}
