import type { ValidationError } from '@nestjs/common';
import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import { type FieldProblem, Rejection } from '#libs/contracts';

/** The rejection that names every field class-validator found wrong; for ValidationPipe's `exceptionFactory`. */
export function rejectionOfValidation(errors: readonly ValidationError[]): Rejection {
  return new Rejection('INVALID_REQUEST', fieldsOf(errors, ''));
}

/** Holds plain data, as it comes over gRPC, to the same class as a body over HTTP. Throws INVALID_REQUEST. */
export function validated<T extends object>(type: new () => T, plain: object): T {
  const instance = plainToInstance(type, plain, { exposeDefaultValues: true });
  const errors = validateSync(instance, { whitelist: true });
  if (errors.length > 0) throw rejectionOfValidation(errors);
  return instance;
}

function fieldsOf(errors: readonly ValidationError[], parent: string): FieldProblem[] {
  return errors.flatMap((error) => {
    const field = parent === '' ? error.property : `${parent}.${error.property}`;
    const own = Object.values(error.constraints ?? {}).map((message) => ({ field, message }));
    return [...own, ...fieldsOf(error.children ?? [], field)];
  });
}
