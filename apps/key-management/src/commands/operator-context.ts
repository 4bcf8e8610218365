import { Rejection } from '#libs/contracts';
import { requestContextOf } from '#libs/service-kit';
import type { CallerContext } from './caller-context.js';

/** Longest Idempotency-Key, characters. */
export const IDEMPOTENCY_KEY_LENGTH_MAX = 255;

/** Who asks over the management HTTP API: the operator, at the client's address. */
export function operatorContextOf(request: {
  id: string;
  ip: string;
  headers: Record<string, string | string[] | undefined>;
}): CallerContext {
  const idempotencyKey = request.headers['idempotency-key'];
  if (idempotencyKey !== undefined && !isIdempotencyKey(idempotencyKey)) {
    throw new Rejection('INVALID_REQUEST', [
      {
        field: 'Idempotency-Key',
        message: `must be 1 to ${IDEMPOTENCY_KEY_LENGTH_MAX} visible ASCII characters`,
      },
    ]);
  }
  return {
    actor: { type: 'operator', id: 'operator' },
    ...requestContextOf(request),
    idempotencyKey: idempotencyKey ?? null,
  };
}

export function isIdempotencyKey(value: unknown): value is string {
  return (
    typeof value === 'string' && value.length <= IDEMPOTENCY_KEY_LENGTH_MAX && /^[\x21-\x7e]+$/.test(value)
  );
}
