import { applyDecorators } from '@nestjs/common';
import {
  ApiExtraModels,
  ApiProperty,
  ApiPropertyOptional,
  ApiResponse,
  getSchemaPath,
} from '@nestjs/swagger';
import { PROBLEM_TYPE } from './problem.js';

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

/** Describes one problem of a route, or of all routes of a controller. */
export function ApiProblem(
  status: number,
  description: string,
  headers: Record<string, string> = {},
): ClassDecorator & MethodDecorator {
  return applyDecorators(
    ApiExtraModels(ProblemResponse),
    ApiResponse({
      status,
      description,
      headers: Object.fromEntries(
        Object.entries(headers).map(([name, text]) => [
          name,
          { description: text, schema: { type: 'string' } },
        ]),
      ),
      content: { [PROBLEM_TYPE]: { schema: { $ref: getSchemaPath(ProblemResponse) } } },
    }),
  );
}
