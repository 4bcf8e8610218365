import 'reflect-metadata';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayNotEmpty,
  ArrayUnique,
  IsArray,
  IsDefined,
  IsIn,
  IsInt,
  IsObject,
  Max,
  Min,
  ValidateNested,
} from 'class-validator';
import { IfGiven, IsErrorCode, IsLine } from './document-member.request.js';
import { ERROR_CAUSES } from './error-table.js';
import type { ErrorCause } from './profile.js';

function unknownOf(on: unknown): string {
  return [on]
    .flat()
    .filter((cause) => !ERROR_CAUSES.includes(cause as ErrorCause))
    .map(String)
    .join(', ');
}

export class ErrorRowDocument {
  /** Codes of rejections, or INTERNAL. */
  @IsArray()
  @ArrayNotEmpty()
  @ArrayUnique()
  @IsIn(ERROR_CAUSES, {
    each: true,
    message: ({ value }) => `has what nothing is refused with: ${unknownOf(value)}`,
  })
  on!: ErrorCause[];

  @IsInt()
  @Min(400)
  @Max(599)
  status!: number;

  @IsErrorCode()
  code!: string;

  /** Absent: our own sentence. */
  @IfGiven()
  @IsLine(300)
  message?: string;
}

export class StatusRowDocument {
  @IsInt()
  @Min(400)
  @Max(599)
  status!: number;

  @IsErrorCode()
  code!: string;
}

/** `errors` of a profile's document. */
export class ErrorsDocument {
  /** `problem` for RFC 9457 with our codes, or the JSON body with `{code}`, `{message}` and `{errorId}` in it. */
  @IsDefined({ message: 'must be "problem", or the members of a body' })
  body!: unknown;

  @IsArray()
  @ArrayMaxSize(100)
  @IsObject({ each: true })
  @ValidateNested({ each: true })
  @Type(() => ErrorRowDocument)
  rows!: ErrorRowDocument[];

  /** For every cause without a row of its own, by the status we would answer with. */
  @IsArray()
  @ArrayMaxSize(100)
  @IsObject({ each: true })
  @ValidateNested({ each: true })
  @Type(() => StatusRowDocument)
  statuses!: StatusRowDocument[];
}
