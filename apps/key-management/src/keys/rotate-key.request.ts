import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsBoolean, IsInt, Max, Min } from 'class-validator';
import { CanBeAbsent } from '../request-fields.request.js';

export class RotateKeyRequest {
  @ApiPropertyOptional({
    example: 86400,
    minimum: 0,
    maximum: 2_592_000,
    description:
      'How long the previous secret stays valid, seconds; 0 retires it at once; absent: as the product has it, a day by default.',
  })
  @CanBeAbsent()
  @IsInt()
  @Min(0)
  @Max(2_592_000)
  graceSeconds?: number;

  @ApiPropertyOptional({
    example: false,
    default: false,
    description: 'Allow a rotation while an earlier one is in its grace period, which ends that period.',
  })
  @CanBeAbsent()
  @IsBoolean()
  retirePrevious?: boolean;
}
