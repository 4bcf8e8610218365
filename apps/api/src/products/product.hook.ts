import type { IncomingMessage } from 'node:http';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Rejection } from '#libs/contracts';
import type { Profile, Profiles } from '#libs/profiles';
import type { ErrorsFilter } from '#libs/service-kit/errors.filter';
import { isOpenRoute } from '../verification/open-routes.js';
import { cameOverHttps } from '../verification/secure-transport.js';
import { corsHeaders, isPreflight } from './cors.js';
import { routedTarget } from './product-path.js';

const products = new WeakMap<IncomingMessage, Profile>();

/**
 * Finds out whose product a request is for, by the host it names, and brings it to where that product's routes lie.
 * Called for every request before it is routed.
 */
export function routeToProduct(profiles: Profiles, raw: IncomingMessage, target: string): string {
  const profile = profiles.ofHost(hostOf(raw)) ?? profiles.fallback;
  products.set(raw, profile);
  return routedTarget(profile, target);
}

/** A target in absolute form names the host, whatever the field `Host` says (RFC 9112, 3.2.2). */
function hostOf({ url = '', headers }: IncomingMessage): string | undefined {
  const [, authority] = /^https?:\/\/([^/?#]*)/i.exec(url) ?? [];
  return authority ?? headers.host;
}

/** Whose product the request is for. */
export function productOf({ raw }: Pick<FastifyRequest, 'raw'>): Profile {
  const profile = products.get(raw);
  if (profile === undefined) throw new Error('the request was not routed');
  return profile;
}

/** The product that a controller's request is for. */
export const CurrentProduct = createParamDecorator(
  (_: unknown, context: ExecutionContext): Profile =>
    productOf(context.switchToHttp().getRequest<FastifyRequest>()),
);

/** Refuses plain HTTP where a product does, and lets browsers in where it does, before any key is looked at. */
export function admitToProducts(fastify: FastifyInstance, errors: ErrorsFilter): void {
  fastify.addHook('onRequest', (request: FastifyRequest, reply: FastifyReply, done) => {
    const { url } = request.routeOptions;
    if (url !== undefined && isOpenRoute(url)) {
      done();
      return;
    }
    const profile = productOf(request);
    if (namesSeveralHosts(request.raw.rawHeaders)) {
      const message = 'must be given once';
      errors.overHttp(new Rejection('INVALID_REQUEST', [{ field: 'Host', message }]), request, reply);
      return;
    }
    if (profile.httpsOnly && !cameOverHttps(request)) {
      reply.header('cache-control', 'no-store');
      errors.overHttp(new Rejection('HTTPS_REQUIRED'), request, reply);
      return;
    }
    const headers = corsHeaders(profile, request);
    reply.headers(headers);
    if (isPreflight(request) && 'access-control-allow-origin' in headers) void reply.status(204).send();
    else done();
  });
}

/** A proxy may have judged by another of them than we would (RFC 9112, 3.2). */
function namesSeveralHosts(rawHeaders: readonly string[]): boolean {
  return rawHeaders.filter((name, at) => at % 2 === 0 && name.toLowerCase() === 'host').length > 1;
}
