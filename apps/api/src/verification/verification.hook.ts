import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Counter, type Registry } from 'prom-client';
import { isAuthenticated, Rejection } from '#libs/contracts';
import { DEFAULT_PROFILE, type Profile, scopesAllowing } from '#libs/profiles';
import type { RequestReporter } from '#libs/request-reporting';
import type { Logger } from '#libs/service-kit';
import type { ErrorsFilter } from '#libs/service-kit/errors.filter';
import { AllowedMethods } from '../products/allowed-methods.js';
import { productOf } from '../products/product.hook.js';
import { shownCredential } from './bearer-credential.js';
import { isOpenRoute } from './open-routes.js';
import { rateLimitHeaders } from './rate-limit-headers.js';
import { type Refusal, refusalOf, refusalOfForm } from './refusal.js';
import { keepVerifiedKey } from './verified-request.hook.js';
import type { Attributed, Verification, Verifier } from './verifier.js';
import type { WaitingConnections } from './waiting-connections.js';

export interface VerificationParts {
  verifier: Verifier;
  reporter: RequestReporter;
  errors: ErrorsFilter;
  logger: Logger;
  metrics: Registry;
  connections: WaitingConnections;
}

/** A request with a credential, from its arrival until it is answered and counted. */
interface Exchange {
  route: string;
  method: string;
  /** The verdict, once there is one that names a key. */
  attributed?: Attributed;
  counted: boolean;
  /** The answer is out, or nobody waits for it any more. */
  over: boolean;
}

/** Name under which the requests are counted. */
const CALLER = 'api';
/** Longer than asking key-management takes while nothing is overloaded, milliseconds. */
const REFUSED_AFTER_MS = 25;
/** Seconds until a retry makes sense when the verifier is away. */
const RETRY_AFTER_SECONDS = 1;

/**
 * Verifies every request that needs a key, before anything else is done with it, and counts it exactly once with its
 * final status: before its answer is released, or when its connection is gone. Thus what was answered was counted, and
 * what was counted was received. Hooks, not guards: guards see only requests that a route matches.
 */
export function verifyRequests(fastify: FastifyInstance, parts: VerificationParts): void {
  const { verifier, reporter, errors, logger, connections } = parts;
  const exchanges = new WeakMap<FastifyRequest, Exchange>();
  const verifications = new Counter({
    name: 'latchkey_api_verifications_total',
    help: 'Requests that need a key, by verdict; UNASKED: refused by form, UNAVAILABLE: no verdict was reached.',
    labelNames: ['outcome'],
    registers: [parts.metrics],
  });

  const allowed = new AllowedMethods();

  // A route that forgot to say what it is for would be open to every valid key.
  fastify.addHook('onRoute', ({ method, url, config }) => {
    if (isOpenRoute(url)) return;
    allowed.add(method, url);
    if (config?.keyUse !== undefined) return;
    throw new Error(`${String(method)} ${url} does not say what a key is needed for`);
  });

  // With a callback, not a promise: a promise that ends with a refusal still to be sent would let the handler run when
  // the client leaves in that moment.
  fastify.addHook('onRequest', (request, reply, done) => {
    const { url } = request.routeOptions;
    if (url !== undefined && isOpenRoute(url)) {
      done();
      return;
    }
    admit(request, reply).then((admitted) => {
      if (admitted) done();
    }, done);
  });

  fastify.addHook('onSend', async (request, reply, payload) => {
    const exchange = exchanges.get(request);
    if (exchange?.attributed === undefined || exchange.counted) return payload;
    await count(exchange, exchange.attributed, reply.statusCode);
    return payload;
  });

  /** True where the request may go on; otherwise it is answered, or nobody is left to answer. */
  async function admit(request: FastifyRequest, reply: FastifyReply): Promise<boolean> {
    reply.header('cache-control', 'no-store');
    const exchange = open(request, reply);
    const profile = productOf(request);
    const realm = realmOf(profile);
    const shown = shownCredential(request.raw.rawHeaders);
    if ('refused' in shown) {
      verifications.inc({ outcome: 'UNASKED' });
      return refuse(refusalOfForm(shown.refused, realm), request, reply);
    }
    const { route, method } = exchange;
    const anyOfScopes = scopesAllowing(profile, method, request.routeOptions.config.keyUse ?? 'resources');
    let verification: Verification;
    try {
      const { credential } = shown;
      verification = await verifier.verify({ credential, profile: profile.name, anyOfScopes, route, method });
    } catch (err) {
      verifications.inc({ outcome: 'UNAVAILABLE' });
      const lapsed = err instanceof Rejection && err.code === 'FENCE_LEASE_LAPSED';
      if (!lapsed && !(err instanceof Rejection && err.code === 'UNAVAILABLE')) {
        logger.error({ err, requestId: request.id }, 'verification failed');
      }
      const code = lapsed ? 'FENCE_LEASE_LAPSED' : 'UNAVAILABLE';
      errors.overHttp(new Rejection(code, [], RETRY_AFTER_SECONDS), request, reply);
      return false;
    }
    verifications.inc({ outcome: verification.outcome });
    if ('key' in verification) {
      exchange.attributed = verification;
      keepVerifiedKey(request, verification.key);
      if (verification.rateLimit !== null) reply.headers(rateLimitHeaders(profile, verification.rateLimit));
    }
    const refusal = refusalOf(verification.outcome, anyOfScopes, realm);
    if (refusal !== undefined && !isAuthenticated(verification.outcome)) await untilRefused(reply);
    if (exchange.over) {
      await countUnanswered(exchange, null);
      reply.hijack();
      return false;
    }
    if (refusal !== undefined) return refuse(refusal, request, reply, retryAfterSeconds(verification));
    // Answered here, before a body is read, which an address without a route has no use for.
    if (request.is404) {
      const methods = allowed.at(profile, (request.raw.url ?? '').split('?', 1)[0] ?? '');
      if (methods.length > 0) reply.header('allow', methods.join(', '));
      return refuse(
        { code: methods.length > 0 ? 'METHOD_NOT_ALLOWED' : 'NOT_FOUND', challenge: null },
        request,
        reply,
      );
    }
    return true;
  }

  function open(request: FastifyRequest, reply: FastifyReply): Exchange {
    const exchange: Exchange = {
      route: request.routeOptions.url ?? 'unknown',
      method: request.method,
      counted: false,
      over: false,
    };
    exchanges.set(request, exchange);
    connections.whenOver(request.raw.socket, reply.raw, () => {
      exchange.over = true;
      // The status is known where a handler answered past Fastify.
      void countUnanswered(exchange, reply.raw.headersSent ? reply.raw.statusCode : null);
    });
    return exchange;
  }

  /** Counts what no answer of ours passed for: the client left, or the answer took another way. */
  async function countUnanswered(exchange: Exchange, status: number | null): Promise<void> {
    if (exchange.attributed === undefined || exchange.counted) return;
    try {
      await count(exchange, exchange.attributed, status);
    } catch (err) {
      logger.error({ err }, 'a request could not be counted');
    }
  }

  async function count(exchange: Exchange, attributed: Attributed, status: number | null): Promise<void> {
    // Taken before anything is awaited, so that the answer and the end of the connection never both count.
    exchange.counted = true;
    const { outcome, requestId, key } = attributed;
    await reporter.record([
      {
        requestId,
        tenantId: key.tenantId,
        keyId: key.keyId,
        environment: key.environment,
        outcome,
        status,
        route: exchange.route,
        method: exchange.method,
        caller: CALLER,
        occurredAtMs: Date.now(),
        reported: false,
      },
    ]);
  }

  function refuse(
    { code, challenge }: Refusal,
    request: FastifyRequest,
    reply: FastifyReply,
    retryAfter?: number,
  ): false {
    if (challenge !== null) reply.header('www-authenticate', challenge);
    errors.overHttp(new Rejection(code, [], retryAfter), request, reply);
    return false;
  }
}

/**
 * A key that never was is asked for farther away than one that was revoked or is another product's. So that the time of a
 * refusal does not tell them apart, none comes sooner than this after its request.
 */
async function untilRefused({ elapsedTime }: FastifyReply): Promise<void> {
  if (elapsedTime < REFUSED_AFTER_MS) await delay(REFUSED_AFTER_MS - elapsedTime);
}

/** Products other than our own go by their names. */
function realmOf({ name }: Profile): string {
  return name === DEFAULT_PROFILE ? 'latchkey' : name;
}

/** Rounded up, so that a retry at that time is admitted. */
function retryAfterSeconds(verification: Verification): number | undefined {
  if (verification.outcome !== 'RATE_LIMITED') return undefined;
  return Math.max(1, Math.ceil((verification.rateLimit?.retryAfterMs ?? 0) / 1000));
}
