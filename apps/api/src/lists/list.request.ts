import { ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsIn, IsInt, IsOptional, IsString, Length, Max, Min } from 'class-validator';

const LIMIT_DEFAULT = 20;
const LIMIT_MAX = 100;

/** What asks for a page of a list; which of them a list takes, its product says. */
export class ListRequest {
  @ApiPropertyOptional({
    description: 'Most objects on a page.',
    type: 'integer',
    minimum: 1,
    maximum: LIMIT_MAX,
    default: LIMIT_DEFAULT,
    example: LIMIT_DEFAULT,
  })
  // Digits only: Number() would also take '', '1e1' and '0x10'.
  @Transform(({ value }: { value: unknown }) =>
    typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value,
  )
  @IsInt()
  @Min(1)
  @Max(LIMIT_MAX)
  limit: number = LIMIT_DEFAULT;

  @ApiPropertyOptional({
    description: 'By when the objects were made: desc shows the newest first.',
    enum: ['asc', 'desc'],
    default: 'desc',
  })
  @IsIn(['asc', 'desc'])
  order: 'asc' | 'desc' = 'desc';

  @ApiPropertyOptional({ description: 'The nextCursor of the page before.', minLength: 1, maxLength: 512 })
  @IsOptional()
  @IsString()
  @Length(1, 512)
  cursor?: string;

  @ApiPropertyOptional({
    description: 'Id of an object of the list: gives those listed after it. Not together with take.',
    minLength: 1,
    maxLength: 64,
  })
  @IsOptional()
  @IsString()
  @Length(1, 64)
  skip?: string;

  @ApiPropertyOptional({
    description: 'Id of an object of the list: gives those listed before it. Not together with skip.',
    minLength: 1,
    maxLength: 64,
  })
  @IsOptional()
  @IsString()
  @Length(1, 64)
  take?: string;

  @ApiPropertyOptional({
    description: 'Words that each object must have, "quoted ones" in this order, -without these.',
    minLength: 1,
    maxLength: 200,
  })
  @IsOptional()
  @IsString()
  @Length(1, 200)
  query?: string;
}
