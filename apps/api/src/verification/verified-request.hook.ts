import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyRequest } from 'fastify';
import type { KeyUse } from '#libs/profiles';
import type { VerifiedKey } from './verifier.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What a key is needed for there; its product says which scopes allow that. */
    keyUse?: KeyUse;
  }
}

/** Says what the route is for. Every route that needs a key has one. */
export const UsesKeyFor = (keyUse: KeyUse) => RouteConfig({ keyUse });

const keys = new WeakMap<FastifyRequest, VerifiedKey>();

/** Remembers whose request this is. */
export function keepVerifiedKey(request: FastifyRequest, key: VerifiedKey): void {
  keys.set(request, key);
}

/** The key that a request was verified with; undefined where its route needs none. */
export function verifiedKeyOf(request: FastifyRequest): VerifiedKey | undefined {
  return keys.get(request);
}

/** The key that a controller's request was verified with. */
export const CurrentKey = createParamDecorator((_: unknown, context: ExecutionContext): VerifiedKey => {
  const key = verifiedKeyOf(context.switchToHttp().getRequest<FastifyRequest>());
  if (key === undefined) throw new Error('the request was not verified');
  return key;
});
