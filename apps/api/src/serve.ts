import { hostname } from 'node:os';
import { collectDefaultMetrics, Registry } from 'prom-client';
import type { EventLog } from '#libs/event-log';
import type { RequestReporter } from '#libs/request-reporting';
import { startRequestReporter } from '#libs/request-reporting/serve';
import { sharedRateLimits } from '#libs/rate-limit/serve';
import type { Dependency, Logger } from '#libs/service-kit';
import { GrpcCaller } from '#libs/service-kit/grpc-caller';
import { PostgresDatabase } from '#libs/service-kit/postgres-database';
import { type RunningService, serveApplication } from '#libs/service-kit/serve';
import { ServiceModule } from '#libs/service-kit/service.module';
import type { VerifierClient } from '#libs/verifier-client';
import { GrpcVerifierClient } from '#libs/verifier-client/grpc-verifier-client';
import { startInProcessVerifier } from '#libs/verifier-client/serve';
import { ApiModule } from './api.module.js';
import { RevocationCanary, type RevocationCanaryParts } from './canary/revocation.canary.js';
import type { Documents } from './collections/documents.js';
import { PostgresDocuments } from './collections/postgres-documents.js';
import { WrittenForms } from './collections/written-forms.js';
import type { Config } from './config.js';
import { GrpcKeyManagement } from './keys/grpc-key-management.js';
import { GrpcKeyUsage } from './keys/grpc-key-usage.js';
import type { KeyManagement } from './keys/key-management.js';
import type { KeyUsage } from './keys/key-usage.js';
import { CursorSeal } from './lists/sealed-cursor.js';
import { CreateDocuments1764200000000 } from './migrations/1764200000000-create-documents.js';
import { FindDocumentsInside1764400000000 } from './migrations/1764400000000-find-documents-inside.js';
import { documentFor } from './openapi/document.hook.js';
import type { OpenApiObject } from './openapi/openapi-object.js';
import { errorOfProduct } from './products/product-errors.js';
import { admitToProducts, productOf, routeToProduct } from './products/product.hook.js';
import { routeEveryRequest } from './verification/connection.hook.js';
import { ClientVerifier } from './verification/client-verifier.js';
import { verifyRequests } from './verification/verification.hook.js';
import type { Verifier } from './verification/verifier.js';
import type { AccountVersions } from './versions/account-versions.js';
import { settleVersions } from './versions/api-version.hook.js';
import { PostgresAccountVersions } from './versions/postgres-account-versions.js';
import { WaitingConnections } from './verification/waiting-connections.js';

/** Of the schema `api`, for the role that owns it. */
export const API_MIGRATIONS = [CreateDocuments1764200000000, FindDocumentsInside1764400000000];

/** Longest that a change of a key may take, milliseconds. */
const MANAGEMENT_DEADLINE_MS = 10_000;
/** Longest that reading insights may take, milliseconds. */
const USAGE_DEADLINE_MS = 3000;

/** Starts api; the event log, which its requests are counted through, is the caller's choice and closed with it. */
export async function serve(
  config: Config,
  { eventLog, logger }: { eventLog: EventLog; logger: Logger },
): Promise<RunningService> {
  const metrics = new Registry();
  collectDefaultMetrics({ register: metrics });
  const keyManagement = new GrpcKeyManagement(
    config.managementAddress,
    new GrpcCaller(config.serviceToken, MANAGEMENT_DEADLINE_MS),
  );
  const keyUsage = new GrpcKeyUsage(
    config.usageAddress,
    new GrpcCaller(config.serviceToken, USAGE_DEADLINE_MS),
  );
  const reporting = await startRequestReporter({
    directory: config.dataDirectory,
    service: 'api',
    eventLog,
    logger,
    metrics,
    fsync: config.spoolFsync,
  });
  const database = new PostgresDatabase(
    {
      runtimeUrl: config.databaseUrl,
      migrationUrl: config.databaseMigrationUrl,
      schema: 'api',
      migrations: API_MIGRATIONS,
      connectionsMax: config.databaseConnectionsMax,
      tlsCaFile: config.databaseTlsCaFile || undefined,
    },
    logger,
  );
  const client = startClient(config, { logger, metrics });
  const verifier = new ClientVerifier(client);
  const canary = startCanary(config, { verifier, keyManagement, logger, metrics });
  return serveHttp(
    config,
    {
      verifier,
      reporter: reporting.reporter,
      keyManagement,
      keyUsage,
      documents: new PostgresDocuments(database),
      accountVersions: new PostgresAccountVersions(database),
    },
    {
      logger,
      metrics,
      // The event log is not among them: while it is away the spool takes the requests, and nobody is turned away.
      // Nor are key-management, usage and PostgreSQL: without them only keys, or only resources, are 503, and calling
      // the whole api unready would take away what still works.
      dependencies: [
        { name: VERIFIED_BY[config.verifierMode], check: () => client.check() },
        { name: 'spool', check: () => reporting.check() },
      ],
    },
    async () => {
      await canary?.close();
      await reporting.close();
      await eventLog.close();
      await client.close();
      await database.close();
      keyManagement.close();
      keyUsage.close();
    },
  );
}

/** What readiness calls that which verdicts depend on. */
const VERIFIED_BY = { remote: 'auth-verifier', 'in-process': 'fence' } as const;

function startClient(config: Config, parts: { logger: Logger; metrics: Registry }): VerifierClient {
  const { sealKeys } = config;
  // The seal keys are there in process: the configuration was refused otherwise.
  if (config.verifierMode === 'remote' || sealKeys === undefined) {
    return new GrpcVerifierClient(config.verifierAddress, config.serviceToken, config.verifyDeadlineMs);
  }
  const verifierId = config.verifierId || `${hostname()}:${config.httpPort}`;
  return startInProcessVerifier(
    { ...config, sealKeys, verifierId },
    { ...parts, rateLimiting: sharedRateLimits(config, parts) },
    'api',
  );
}

/** Where it was given a key to check with. */
function startCanary(
  { canaryKey, canaryIntervalSeconds }: Config,
  parts: Omit<RevocationCanaryParts, 'credential' | 'intervalMs'>,
): RevocationCanary | undefined {
  if (canaryKey === '') return undefined;
  const intervalMs = canaryIntervalSeconds * 1000;
  const canary = new RevocationCanary({ ...parts, credential: canaryKey, intervalMs });
  canary.start();
  return canary;
}

type HttpConfig = Pick<
  Config,
  | 'profiles'
  | 'bindHost'
  | 'httpPort'
  | 'tlsCertificate'
  | 'tlsKey'
  | 'trustedProxies'
  | 'errorTrackerUrl'
  | 'docsPage'
  | 'cursorKey'
>;

/** What stands behind the HTTP side. */
interface HttpPorts {
  verifier: Verifier;
  reporter: RequestReporter;
  keyManagement: KeyManagement;
  keyUsage: KeyUsage;
  documents: Documents;
  accountVersions: AccountVersions;
}

/** Starts the HTTP side alone, on whatever stands behind it, which `release` lets go of. */
export function serveHttp(
  config: HttpConfig,
  ports: HttpPorts,
  shared: { logger: Logger; metrics: Registry; dependencies: readonly Dependency[] },
  release = async () => {},
): Promise<RunningService> {
  const { verifier, reporter, accountVersions, ...others } = ports;
  const connections = new WaitingConnections();
  const forms = new WrittenForms();
  return serveApplication({
    name: 'api',
    title: 'Latchkey API',
    description: 'The public API behind the verifier: every request shows a key.',
    bearer: 'API key',
    module: ApiModule.with({
      ...others,
      accountVersions,
      service: ServiceModule.with(shared),
      cursors: new CursorSeal(config.cursorKey),
      forms,
    }),
    ...shared,
    http: {
      host: config.bindHost,
      port: config.httpPort,
      variable: 'LATCHKEY_API_PORT',
      tls:
        config.tlsCertificate === '' ? undefined : { certificate: config.tlsCertificate, key: config.tlsKey },
    },
    trustedProxies: config.trustedProxies,
    errorTrackerUrl: config.errorTrackerUrl,
    docsPage: config.docsPage,
    release,
    rewriteTarget: (request, target) => routeToProduct(config.profiles, request, target),
    renderError: (error, request) => errorOfProduct(productOf(request), error, request.id),
    documentFor: (request, document) =>
      documentFor(request, document as unknown as OpenApiObject, forms) as unknown as typeof document,
    prepareHttp(fastify, errors) {
      routeEveryRequest(fastify, connections);
      admitToProducts(fastify, errors);
      verifyRequests(fastify, { verifier, reporter, errors, connections, ...shared });
      settleVersions(fastify, accountVersions, errors);
    },
  });
}
