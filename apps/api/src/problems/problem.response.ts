import { applyDecorators } from '@nestjs/common';
import {
  ApiExtraModels,
  ApiProperty,
  ApiPropertyOptional,
  ApiResponse,
  getSchemaPath,
} from '@nestjs/swagger';
import { PROBLEM_TYPE } from '#libs/service-kit';

class FieldProblemResponse {
  @ApiProperty({ description: 'Path of the field.', example: 'scopes' })
  field!: string;

  @ApiProperty({ example: 'each value in scopes must be a string' })
  message!: string;
}

/** Every answer of 400 and above (RFC 9457). */
export class ProblemResponse {
  @ApiProperty({ example: 'urn:latchkey:problem:invalid-request' })
  type!: string;

  @ApiProperty({ example: 'The request is not valid.' })
  title!: string;

  @ApiProperty({ type: 'integer', example: 400 })
  status!: number;

  @ApiProperty({ description: 'The same for ever, for programs to tell apart.', example: 'INVALID_REQUEST' })
  code!: string;

  @ApiPropertyOptional({ description: 'What is wrong in the request.', type: [FieldProblemResponse] })
  errors?: FieldProblemResponse[];

  @ApiPropertyOptional({ description: 'Of a 500: what the operator finds it by in the log.' })
  errorId?: string;

  @ApiProperty({
    description: 'As in the header X-Request-Id.',
    example: '4d3b1c0e-7a53-4f1e-9c5a-1f0e8f2f9d10',
  })
  requestId!: string;
}

const PROBLEMS = {
  400: { description: 'The request is not valid; `errors` names each field.' },
  401: {
    description:
      'No valid key: UNAUTHENTICATED (none shown), INVALID_CREDENTIAL, CREDENTIAL_REVOKED, CREDENTIAL_RETIRED or CREDENTIAL_EXPIRED.',
    headers: { 'WWW-Authenticate': 'The challenge of RFC 6750.' },
  },
  403: {
    description:
      'FORBIDDEN (a scope is missing), EXCEEDS_CEILING (wider than the key itself) or TENANT_SUSPENDED.',
  },
  404: { description: 'There is no such key.' },
  409: { description: 'It contradicts the state of the key or tenant; `code` says how.' },
  413: { description: 'The request body is too large.' },
  415: { description: 'The request body is not JSON.' },
  422: { description: 'The Idempotency-Key was used with another request.' },
  429: { description: 'The key’s rate limit is used up.' },
  500: { description: 'A fault of ours; `errorId` finds it in the log.' },
  503: {
    description: 'A service behind this one is away. Nothing is said about the key.',
    headers: { 'Retry-After': 'Seconds after which to try again.' },
  },
} as const satisfies Record<number, { description: string; headers?: Record<string, string> }>;

/** Describes a route's problems, by status. */
export function ApiProblems(...statuses: (keyof typeof PROBLEMS)[]): MethodDecorator {
  return applyDecorators(
    ApiExtraModels(ProblemResponse),
    ...statuses.map((status) => {
      const { description, headers } = { headers: {}, ...PROBLEMS[status] };
      return ApiResponse({
        status,
        description,
        headers: Object.fromEntries(
          Object.entries(headers).map(([name, text]) => [
            name,
            { description: text, schema: { type: 'string' } },
          ]),
        ),
        content: { [PROBLEM_TYPE]: { schema: { $ref: getSchemaPath(ProblemResponse) } } },
      });
    }),
  );
}
