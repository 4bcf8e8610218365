import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyRequest } from 'fastify';
import type { VerifiedKey } from './verifier.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Scopes that a key must hold, all of them, to use the route. */
    requiredScopes?: readonly string[];
  }
}

/** Says which scopes a key must hold to use the route; none: any valid key. Every route that needs a key has one. */
export const RequireScopes = (...requiredScopes: string[]) => RouteConfig({ requiredScopes });

const keys = new WeakMap<FastifyRequest, VerifiedKey>();

/** Remembers whose request this is. */
export function keepVerifiedKey(request: FastifyRequest, key: VerifiedKey): void {
  keys.set(request, key);
}

/** The key that a controller's request was verified with. */
export const CurrentKey = createParamDecorator((_: unknown, context: ExecutionContext): VerifiedKey => {
  const key = keys.get(context.switchToHttp().getRequest<FastifyRequest>());
  if (key === undefined) throw new Error('the request was not verified');
  return key;
});
