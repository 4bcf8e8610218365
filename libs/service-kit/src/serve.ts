import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isIPv6 } from 'node:net';
import { logVerbosity, type ServiceDefinition, setLogVerbosity } from '@grpc/grpc-js';
import { type DynamicModule, ValidationPipe } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type MicroserviceOptions, Transport } from '@nestjs/microservices';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { HealthImplementation } from 'grpc-health-check';
import type { Registry } from 'prom-client';
import { type ErrorRenderer, ErrorsFilter } from './errors.filter.js';
import { observeRequests, refuseUnsafeBodies, takeEmptyBodies } from './every-request.hook.js';
import { FaultReporter } from './fault.reporter.js';
import { addStreamMethods, type StreamMethod } from './stream-call.hook.js';
import { addUnaryMethods, type UnaryMethod } from './unary-call.hook.js';
import { type Dependency, readinessOf } from './health.js';
import { HttpErrorTracker } from './http-error-tracker.js';
import { type Listener, listenFailure } from './listen-failure.js';
import type { Logger } from './logger.js';
import { NestLogger } from './nest-logger.js';
import type { ServiceCallers } from './service-callers.js';
import { ServiceTokenGuard } from './service-token.guard.js';
import { rejectionOfValidation } from './validation.request.js';

export interface ServiceOptions {
  name: string;
  title: string;
  /** A sentence or two for the OpenAPI document. */
  description: string;
  /** What the Authorization header carries, e.g. `operator token`; absent where nothing asks for it. */
  bearer?: string;
  module: DynamicModule;
  logger: Logger;
  metrics: Registry;
  dependencies: readonly Dependency[];
  http: Listener & {
    /** Certificate chain and private key in PEM form; with them the port speaks HTTPS alone. */
    tls?: TlsKeyPair | undefined;
  };
  /** Addresses and ranges whose X-Forwarded-* headers are believed. */
  trustedProxies: readonly string[];
  /** Webhook that is told of every internal error; empty: none. */
  errorTrackerUrl: string;
  grpc?: Listener & {
    /** What Nest's controllers serve. */
    services?: Record<string, ServiceDefinition>;
    /** What is served without Nest. */
    unary?: readonly UnaryMethod[];
    streams?: readonly StreamMethod[];
    callers: ServiceCallers;
  };
  /** Serve the page that browses the OpenAPI document; the document itself is always there. */
  docsPage: boolean;
  /** Brings a request's target to where its route lies; called before it is routed. Default: as it is. */
  rewriteTarget?(request: IncomingMessage, target: string): string;
  /** The OpenAPI document that a request for it is answered with; default: that of all routes. */
  documentFor?(request: FastifyRequest, document: OpenAPIObject): OpenAPIObject;
  /** How errors read over HTTP; default: RFC 9457. */
  renderError?: ErrorRenderer;
  /** Called before the routes are made, for hooks that must see every request. */
  prepareHttp?(fastify: FastifyInstance, errors: ErrorsFilter): void;
  /** Starts what works beside the serving, before it; where this rejects the start has failed. */
  begin?(): Promise<void>;
  /** Ends, when it is closed, the calls that would not end by themselves. */
  endCalls?(): Promise<void>;
  /** Lets go of what the service holds: called once, after a failed start or when closed. */
  release?(): Promise<void>;
}

/** What a TLS server shows and proves, in PEM form. */
export interface TlsKeyPair {
  certificate: string;
  key: string;
}

/** A running service. */
export interface RunningService {
  httpUrl: string;
  grpcAddress?: string;
  /** Stops intake, finishes what is in hand, then lets go of everything. */
  close(): Promise<void>;
}

/** How often gRPC health learns what readiness says, milliseconds. */
const HEALTH_INTERVAL_MS = 1000;

/** While closing: between two looks for connections whose last answer is given, milliseconds. */
const IDLE_SWEEP_MS = 50;

/** Longest that a client may take to send a whole request, milliseconds; past it the answer is 408. */
const REQUEST_TIMEOUT_MS = 60_000;

/** Longest that a client may take for a TLS handshake, milliseconds; a stop waits for it. */
const HANDSHAKE_TIMEOUT_MS = 10_000;

/**
 * Starts a Nest application on HTTP and, where asked, gRPC, with everything that all services share. Rejects, with
 * everything released, when the start fails, with {@link CannotListen} where that is why.
 */
export async function serveApplication(options: ServiceOptions): Promise<RunningService> {
  const { name, errorTrackerUrl: url, logger, metrics } = options;
  const tracker = url === '' ? undefined : new HttpErrorTracker({ url, service: name, logger, metrics });
  const faults = new FaultReporter({ service: name, logger, metrics, ...(tracker && { tracker }) });
  try {
    await options.begin?.();
    const service = await listen(options, faults);
    return {
      ...service,
      async close() {
        try {
          await options.endCalls?.();
          await service.close();
          await tracker?.close();
        } finally {
          await options.release?.();
        }
      },
    };
  } catch (error) {
    await options.release?.();
    throw error;
  }
}

/** Rejects with nothing listening. */
async function listen(options: ServiceOptions, faults: FaultReporter): Promise<RunningService> {
  const { logger, http, grpc } = options;
  const errors = new ErrorsFilter(faults, options.renderError);
  const adapter = new FastifyAdapter({
    ...(http.tls && { https: secured(http.tls) }),
    genReqId: () => randomUUID(),
    trustProxy: options.trustedProxies.length > 0 ? [...options.trustedProxies] : false,
    rewriteUrl: (request: IncomingMessage) => {
      const target = routableUrl(request.url);
      return options.rewriteTarget?.(request, target) ?? target;
    },
    routerOptions: { maxParamLength: 16_384 },
    forceCloseConnections: 'idle',
    requestTimeout: REQUEST_TIMEOUT_MS,
    // What still comes in on an open connection is answered; Fastify's own refusal would be no problem+json.
    return503OnClosing: false,
  });
  const fastify = adapter.getInstance<FastifyInstance>();
  fastify.removeContentTypeParser('text/plain');
  takeEmptyBodies(fastify);
  observeRequests(fastify, { ...options, faults });
  refuseUnsafeBodies(fastify);
  options.prepareHttp?.(fastify, errors);
  const app = await NestFactory.create<NestFastifyApplication>(options.module, adapter, {
    logger: new NestLogger(logger),
    abortOnError: false,
    // Nest's parsers also take forms; Fastify's own takes JSON, and plain text unless that is taken away.
    bodyParser: false,
  });
  app.useGlobalFilters(errors);
  app.useGlobalPipes(
    new ValidationPipe({
      whitelist: true,
      forbidNonWhitelisted: true,
      transform: true,
      exceptionFactory: rejectionOfValidation,
    }),
  );
  describeApi(app, options);
  const stopHealth = grpc && addGrpc(app, grpc, errors, options);
  for (const path of grpc === undefined ? [] : methodPathsOf(grpc)) faults.expect(path);
  try {
    await app.startAllMicroservices();
  } catch (error) {
    stopHealth?.();
    await app.close();
    throw grpc === undefined ? error : listenFailure(error, grpc);
  }
  try {
    await app.listen(http.port, http.host);
  } catch (error) {
    stopHealth?.();
    await app.close();
    throw listenFailure(error, http);
  }
  const httpUrl = await app.getUrl();
  logger.info({ httpUrl, ...(grpc && { grpcAddress: addressOf(grpc) }) }, 'listening');
  return {
    httpUrl,
    ...(grpc && { grpcAddress: addressOf(grpc) }),
    async close() {
      stopHealth?.();
      // A connection that was busy when the server began to close is kept alive by its client afterwards.
      const sweep = setInterval(() => fastify.server.closeIdleConnections(), IDLE_SWEEP_MS);
      await app.close().finally(() => clearInterval(sweep));
    },
  };
}

function secured({ certificate, key }: TlsKeyPair) {
  return { cert: certificate, key, handshakeTimeout: HANDSHAKE_TIMEOUT_MS };
}

function methodPathsOf({ services = {}, unary = [], streams = [] }: NonNullable<ServiceOptions['grpc']>) {
  return [
    ...Object.values(services).flatMap((service) => Object.values(service)),
    ...[...unary, ...streams].map(({ definition }) => definition),
  ].map(({ path }) => path);
}

/** `host:port`, an IPv6 host in brackets. */
function addressOf({ host, port }: Listener): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}

function addGrpc(
  app: NestFastifyApplication,
  grpc: NonNullable<ServiceOptions['grpc']>,
  errors: ErrorsFilter,
  { dependencies }: ServiceOptions,
): () => void {
  // Its own lines on stderr are no JSON, and what matters of them comes back as an error.
  setLogVerbosity(logVerbosity.NONE);
  const health = new HealthImplementation({ '': 'NOT_SERVING' });
  const microservice = app.connectMicroservice<MicroserviceOptions>(
    {
      transport: Transport.GRPC,
      options: {
        package: grpc.services === undefined ? [] : 'latchkey.v1',
        url: addressOf(grpc),
        packageDefinition: (grpc.services ?? {}) as never,
        onLoadPackageDefinition: (_, server) => {
          health.addToServer(server);
          if (grpc.unary !== undefined) addUnaryMethods(server, grpc.unary, grpc.callers, errors);
          if (grpc.streams !== undefined) addStreamMethods(server, grpc.streams, grpc.callers, errors);
        },
        // A second server on the same port would share it silently.
        channelOptions: { 'grpc.so_reuseport': 0, 'grpc.enable_channelz': 0 },
        gracefulShutdown: true,
      },
    },
    // Otherwise the handlers are made at once, before the guard and the filter below are there for them.
    { inheritAppConfig: false, deferInitialization: true },
  );
  microservice.useGlobalFilters(errors);
  microservice.useGlobalGuards(new ServiceTokenGuard(grpc.callers));
  async function update(): Promise<void> {
    const { ready } = await readinessOf(dependencies, () => undefined);
    health.setStatus('', ready ? 'SERVING' : 'NOT_SERVING');
  }
  void update();
  const timer = setInterval(() => void update(), HEALTH_INTERVAL_MS);
  return () => {
    clearInterval(timer);
    health.setStatus('', 'NOT_SERVING');
  };
}

function describeApi(app: NestFastifyApplication, options: ServiceOptions): void {
  const builder = new DocumentBuilder()
    .setTitle(options.title)
    .setDescription(`${options.description} The document of this page: [/openapi.json](/openapi.json).`)
    .setVersion('1')
    .setOpenAPIVersion('3.1.0');
  if (options.bearer !== undefined) {
    builder.addBearerAuth({ type: 'http', scheme: 'bearer', bearerFormat: options.bearer });
  }
  const document = () => SwaggerModule.createDocument(app, builder.build());
  SwaggerModule.setup('docs', app, document, {
    jsonDocumentUrl: 'openapi.json',
    ui: options.docsPage,
    raw: ['json'],
    ...(options.documentFor && {
      patchDocumentOnRequest: (request, _, whole) =>
        options.documentFor?.(request as FastifyRequest, whole) ?? whole,
    }),
  });
}

/**
 * Fastify refuses some request targets before any hook sees them: an undecodable path, and what is no path at all (`*`,
 * `host:443`, `http://host`). Each becomes a path that is routed like any other, to where nothing is.
 */
function routableUrl(target = '/'): string {
  const url = target.startsWith('/') ? target : `/${target.replace(/^https?:\/\/[^/?#]*\/?/i, '')}`;
  const [path = '/'] = url.split('?', 1);
  try {
    decodeURIComponent(path);
    return url;
  } catch {
    return path.replaceAll('%', '%25');
  }
}
