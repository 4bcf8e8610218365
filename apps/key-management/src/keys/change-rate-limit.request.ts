import { ApiProperty } from '@nestjs/swagger';
import { IsInt, Max, Min, ValidateIf } from 'class-validator';

export class ChangeRateLimitRequest {
  @ApiProperty({
    type: 'integer',
    example: 600,
    minimum: 1,
    maximum: 1_000_000,
    nullable: true,
    description: 'Requests in any 60 seconds; null: as the profile and the plan of the tenant say.',
  })
  @ValidateIf((_, value) => value !== null)
  @IsInt()
  @Min(1)
  @Max(1_000_000)
  requestsPerMinute!: number | null;
}
