import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsBoolean, IsInt, IsOptional, Max, Min } from 'class-validator';

const GRACE_SECONDS_MAX = 2_592_000;
const GRACE_SECONDS_DEFAULT = 86_400;

export class RotateKeyRequest {
  @ApiPropertyOptional({
    description: 'How long the previous secret stays valid, seconds; 0 retires it at once.',
    type: 'integer',
    minimum: 0,
    maximum: GRACE_SECONDS_MAX,
    default: GRACE_SECONDS_DEFAULT,
    example: 3600,
  })
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(GRACE_SECONDS_MAX)
  graceSeconds?: number | null;

  @ApiPropertyOptional({
    description: 'Rotate also while a previous secret is still in its grace period, which ends it.',
    type: Boolean,
    nullable: true,
    default: false,
    example: false,
  })
  @IsOptional()
  @IsBoolean()
  retirePrevious?: boolean | null;
}
