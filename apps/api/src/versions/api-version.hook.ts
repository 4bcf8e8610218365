import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Rejection } from '#libs/contracts';
import type { ErrorsFilter } from '#libs/service-kit/errors.filter';
import { productOf } from '../products/product.hook.js';
import { verifiedKeyOf } from '../verification/verified-request.hook.js';
import type { AccountVersions } from './account-versions.js';

const versions = new WeakMap<FastifyRequest, string>();

/** The date of the API version that a controller's request is answered in; null where its product has no versions. */
export const CurrentVersion = createParamDecorator((_: unknown, context: ExecutionContext): string | null =>
  versionOf(context.switchToHttp().getRequest<FastifyRequest>()),
);

/** As {@link CurrentVersion}. */
export function versionOf(request: FastifyRequest): string | null {
  return versions.get(request) ?? null;
}

/**
 * Settles in which version each verified request is answered: the one that its account is pinned to, which its first call
 * does, or the one that it tries by the product's header.
 */
export function settleVersions(
  fastify: FastifyInstance,
  accounts: AccountVersions,
  errors: ErrorsFilter,
): void {
  fastify.addHook('onRequest', (request: FastifyRequest, reply: FastifyReply, done) => {
    settle(request, reply).then(
      () => done(),
      (error: unknown) => errors.overHttp(error, request, reply),
    );
  });

  async function settle(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const key = verifiedKeyOf(request);
    if (key === undefined) return;
    const { versions: own } = productOf(request);
    if (own === null) return;
    const dates = own.dated.map(({ date }) => date);
    const pinned = await accounts.pinned(key.tenantId, dates.at(-1) ?? '');
    // By a replica that is newer than this one.
    if (!dates.includes(pinned)) throw new Rejection('UNAVAILABLE', [], 1);
    const tried = request.headers[own.header.toLowerCase()] ?? pinned;
    const version = dates.find((date) => date === tried);
    if (version === undefined) {
      const message = `is no version; there are ${dates.join(', ')}`;
      throw new Rejection('INVALID_REQUEST', [{ field: own.header, message }]);
    }
    versions.set(request, version);
    reply.header(own.header, version);
  }
}
