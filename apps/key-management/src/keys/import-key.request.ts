import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsInt, IsString, Matches, Max, MaxLength, Min } from 'class-validator';
import { CanBeAbsent, IsStorable } from '../request-fields.request.js';
import { CreateKeyRequest } from './create-key.request.js';

/** A key whose secret was issued elsewhere: only its digest comes here. */
export class ImportKeyRequest extends CreateKeyRequest {
  @ApiProperty({
    example: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    description: 'SHA-256 of the whole secret, lower-case hexadecimal.',
  })
  @Matches(/^[0-9a-f]{64}$/, { message: 'digest must be 64 lower-case hexadecimal digits' })
  digest!: string;

  @ApiProperty({
    example: 128,
    minimum: 112,
    description: 'The importer attests that secrets were drawn with at least this many bits of randomness.',
  })
  @IsInt()
  @Min(112)
  @Max(4096)
  attestedEntropyBits!: number;

  @ApiPropertyOptional({
    example: 'old_',
    description: 'First characters of the secret, to recognise it by.',
  })
  @CanBeAbsent()
  @IsString()
  @MaxLength(12)
  @IsStorable()
  hintStart?: string;

  @ApiPropertyOptional({ example: '9f3c', description: 'Last characters of the secret, to recognise it by.' })
  @CanBeAbsent()
  @IsString()
  @MaxLength(4)
  @IsStorable()
  hintEnd?: string;
}
