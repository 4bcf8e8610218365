import { Rejection } from '#libs/contracts';
import type {
  Actor,
  Ceiling as CeilingMessage,
  CreateKeyRequest,
  Key,
  ListKeysRequest,
} from '#libs/contracts/gen/latchkey/v1/key_management_service';
import { jsonProblem } from '#libs/service-kit';
import type { CallerContext } from '../commands/caller-context.js';
import { isIdempotencyKey } from '../commands/operator-context.js';
import { isStorable } from '../request-fields.request.js';
import type { Ceiling } from './key.decider.js';
import type { KeyListing, KeyListPlace } from './key-reads.js';
import type { RevisedKey } from './key-resource.js';

/** Longest text about the actor of a change, characters. */
const ACTOR_FIELD_LENGTH_MAX = 255;

/** A key as the gRPC message has it. */
export function keyMessageOf(key: RevisedKey): Key {
  return {
    id: key.id,
    tenantId: key.tenantId,
    name: key.name,
    environment: key.environment,
    scopes: key.scopes,
    status: key.status,
    hintStart: key.hint.start,
    hintEnd: key.hint.end,
    metadataJson: JSON.stringify(key.metadata),
    createdAt: new Date(key.createdAt),
    expiresAt: dateOf(key.expiresAt),
    revokedAt: dateOf(key.revokedAt),
    generation: key.secretGeneration,
    previousSecretValidUntil: dateOf(key.previousSecretValidUntil),
    revision: key.revision,
    requestsPerMinute: key.requestsPerMinute ?? undefined,
  };
}

export function ceilingOf(message: CeilingMessage | undefined): Ceiling | null {
  if (message === undefined) return null;
  const { environment, scopes, expiresAt } = message;
  if (environment !== 'live' && environment !== 'test') {
    throw new Rejection('INVALID_REQUEST', [
      { field: 'ceiling.environment', message: 'must be live or test' },
    ]);
  }
  const expiresAtMs = expiresAt?.getTime() ?? null;
  if (Number.isNaN(expiresAtMs)) {
    throw new Rejection('INVALID_REQUEST', [{ field: 'ceiling.expiresAt', message: 'must be a time' }]);
  }
  return { environment, scopes, expiresAtMs };
}

/** Who wishes it; a service that names no actor acts for itself. */
export function contextOf(
  actor: Actor | undefined,
  idempotencyKey: string,
  serviceName: string,
): CallerContext {
  if (idempotencyKey !== '' && !isIdempotencyKey(idempotencyKey)) {
    throw new Rejection('INVALID_REQUEST', [
      { field: 'idempotency_key', message: 'must be up to 255 visible ASCII characters' },
    ]);
  }
  for (const [name, text] of Object.entries(actor ?? {})) {
    if (text.length > ACTOR_FIELD_LENGTH_MAX || !isStorable(text)) {
      throw new Rejection('INVALID_REQUEST', [
        { field: `actor.${name}`, message: `must be up to ${ACTOR_FIELD_LENGTH_MAX} characters` },
      ]);
    }
  }
  const named = actor !== undefined && actor.type !== '' && actor.id !== '';
  return {
    actor: named ? { type: actor.type, id: actor.id } : { type: 'service', id: serviceName },
    sourceAddress: actor?.sourceAddress || null,
    requestId: actor?.requestId || null,
    traceId: actor?.traceId || null,
    idempotencyKey: idempotencyKey || null,
  };
}

/** Undefined: those that the product gives. Who asks for these and names some besides would get more than it named. */
export function wishedScopes({
  scopes,
  defaultScopes,
}: Pick<CreateKeyRequest, 'scopes' | 'defaultScopes'>): string[] | undefined {
  if (!defaultScopes) return scopes;
  if (scopes.length === 0) return undefined;
  throw new Rejection('INVALID_REQUEST', [
    { field: 'scopes', message: 'must be empty where the default scopes are asked for' },
  ]);
}

/** Metadata as JSON text; what it must hold is the request's business. */
export function metadataFrom(json: string): unknown {
  if (json === '') return {};
  let metadata: unknown;
  let message: string | undefined;
  try {
    metadata = JSON.parse(json);
    message = jsonProblem(metadata);
  } catch {
    message = 'must be a JSON object';
  }
  if (message !== undefined) throw new Rejection('INVALID_REQUEST', [{ field: 'metadata', message }]);
  return metadata;
}

export function orderFrom(order: string): KeyListing['order'] {
  if (order === '' || order === 'newest') return 'newest';
  if (order === 'oldest') return 'oldest';
  throw new Rejection('INVALID_REQUEST', [{ field: 'order', message: 'must be newest or oldest' }]);
}

/** Where the page lies that is asked for; null: at the start. */
export function placeFrom({
  cursor,
  afterKeyId,
  beforeKeyId,
}: Pick<ListKeysRequest, 'cursor' | 'afterKeyId' | 'beforeKeyId'>): KeyListPlace | null {
  const given = Object.entries({ cursor, after_key_id: afterKeyId, before_key_id: beforeKeyId }).filter(
    ([, text]) => text !== '',
  );
  if (given.length > 1) {
    const message = 'only one of cursor, after_key_id and before_key_id may be given';
    throw new Rejection(
      'INVALID_REQUEST',
      given.map(([field]) => ({ field, message })),
    );
  }
  if (cursor !== '') return { cursor };
  if (afterKeyId !== '') return { after: afterKeyId };
  return beforeKeyId === '' ? null : { before: beforeKeyId };
}

/** The time as requests over HTTP write it; what is no time stays none, and is refused as they are. */
export function textOfTime(time: Date): string {
  return Number.isNaN(time.getTime()) ? 'no time' : time.toISOString();
}

function dateOf(text: string | null): Date | undefined {
  return text === null ? undefined : new Date(text);
}
