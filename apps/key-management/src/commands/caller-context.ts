import { createHash } from 'node:crypto';
import type { EventMetadata } from '#libs/event-store';
import type { Wish } from './idempotency.js';

/** Who wishes something, and from where: what every event of the wish keeps. */
export interface CallerContext {
  actor: { type: string; id: string };
  sourceAddress: string | null;
  requestId: string | null;
  traceId: string | null;
  /** The client's Idempotency-Key, if it sent one. */
  idempotencyKey: string | null;
}

export function metadataOf(context: CallerContext, reason: string | null): EventMetadata {
  const { actor, sourceAddress, requestId, traceId } = context;
  return { actor, sourceAddress, reason, requestId, traceId };
}

/** The wish that an Idempotency-Key names: scoped to tenant, actor and route, and bound to what was asked. */
export function wishOf(
  context: CallerContext,
  tenantId: string,
  route: string,
  asked: Record<string, unknown>,
): Wish | undefined {
  const { actor, idempotencyKey } = context;
  if (idempotencyKey === null) return undefined;
  return {
    scope: JSON.stringify([tenantId, actor.type, actor.id, route]),
    key: idempotencyKey,
    requestHash: createHash('sha256').update(JSON.stringify(asked)).digest('hex'),
  };
}
