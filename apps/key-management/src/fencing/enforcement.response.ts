import { applyDecorators, type Type } from '@nestjs/common';
import { ApiHeader, ApiProperty, ApiPropertyOptional, ApiResponse } from '@nestjs/swagger';
import { ApiProblem } from '#libs/service-kit/problem.response';

class VerifiersResponse {
  @ApiProperty({ example: 3, description: 'Said that they apply it.' })
  acked!: number;

  @ApiProperty({ example: 0, description: 'Said nothing, and can answer no more by what they knew before.' })
  expired!: number;
}

const STATUS = {
  enum: ['enforced', 'committed'],
  example: 'enforced',
  description:
    'enforced: any verification that starts from now on is judged by it. committed: with enforcedBy, it is not in effect everywhere yet; without, there is nothing to wait for.',
} as const;
const REVISION = {
  example: 'kq3vX…',
  description: 'Opaque: what a later read or verification is to include.',
};

/** How a change stands. */
export class EnforcementResponse {
  @ApiProperty(STATUS)
  status!: string;

  @ApiProperty(REVISION)
  revision!: string;

  @ApiPropertyOptional({
    enum: ['acks', 'leaseExpiry'],
    example: 'acks',
    description: 'Of what is enforced.',
  })
  via?: string;

  @ApiPropertyOptional({ example: 12, description: 'Of what is enforced: milliseconds since the commit.' })
  waitedMs?: number;

  @ApiPropertyOptional({ type: VerifiersResponse, description: 'Of what is enforced.' })
  verifiers?: VerifiersResponse;

  @ApiPropertyOptional({
    format: 'date-time',
    example: '2026-11-22T10:00:10.205Z',
    description: 'Of what is committed: when it is enforced at the latest. For people: clocks differ.',
  })
  enforcedBy?: string;
}

/** Describes a change that is answered when it holds at every verifier. */
export function ApiChange(type: Type): MethodDecorator {
  return applyDecorators(
    ApiHeader({
      name: 'Prefer',
      required: false,
      description: '`respond-async`: answer as soon as it is committed. `wait=N`: wait N seconds at most.',
    }),
    ApiResponse({ status: 200, type, description: 'Enforced; or committed, with nothing to wait for.' }),
    ApiResponse({
      status: 202,
      type,
      description: 'Committed, and not enforced in the time that was preferred.',
      headers: {
        Location: { description: 'Where to ask for its status.', schema: { type: 'string' } },
        'Preference-Applied': { description: 'The preference that was kept.', schema: { type: 'string' } },
      },
    }),
    ApiProblem(429, 'Too many changes of this tenant; `Retry-After` says when.', {
      'Retry-After': 'Seconds to wait.',
    }),
  );
}
