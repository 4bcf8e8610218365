/** The api's own route, with its hooks on a verifier that answers at once, or without any: the rest is the same. */
import { Registry } from 'prom-client';
import { readProfiles } from '#libs/profiles/file-profiles';
import { createLogger } from '#libs/service-kit';
import { serveApplication } from '#libs/service-kit/serve';
import { ServiceModule } from '#libs/service-kit/service.module';
import { ApiModule } from '../../dist/apps/api/src/api.module.js';
import { serveHttp } from '../../dist/apps/api/src/serve.js';
import { keepVerifiedKey } from '../../dist/apps/api/src/verification/verified-request.hook.js';
import { serveWorker } from './worker.mjs';

const KEY = {
  keyId: 'key_0d3f6b8a1c2e4f5061728394a5b6c7',
  tenantId: 'bench',
  environment: 'live',
  scopes: ['read'],
  expiresAt: null,
  secretGeneration: 1,
};
const RATE_LIMIT = { limit: 60, remaining: 59, resetMs: 60_000, retryAfterMs: 0 };
const VERIFICATION = { outcome: 'VALID', requestId: 'bench', key: KEY, rateLimit: RATE_LIMIT };
/** Nobody asks them. */
const BEHIND = { keyManagement: {}, keyUsage: {} };

serveWorker(async ({ hooked }) => {
  const shared = { logger: createLogger('bench', 'warn'), metrics: new Registry(), dependencies: [] };
  const service = await (hooked ? serveHooked(shared) : serveBare(shared));
  return { started: { httpUrl: service.httpUrl }, stop: () => service.close() };
});

function serveHooked(shared) {
  const config = {
    profiles: readProfiles('deploy/profiles', ['default', 'seyn']),
    bindHost: '127.0.0.1',
    httpPort: 0,
    tlsCertificate: '',
    tlsKey: '',
    trustedProxies: [],
    errorTrackerUrl: '',
    docsPage: false,
  };
  const verifier = { verify: async () => VERIFICATION };
  const reporter = { record: async () => undefined };
  return serveHttp(config, { verifier, reporter, ...BEHIND }, shared);
}

function serveBare(shared) {
  return serveApplication({
    name: 'api',
    title: 'bench',
    description: 'bench',
    module: ApiModule.with({ service: ServiceModule.with(shared), ...BEHIND }),
    ...shared,
    http: { host: '127.0.0.1', port: 0, variable: 'LATCHKEY_API_PORT' },
    trustedProxies: [],
    errorTrackerUrl: '',
    docsPage: false,
    prepareHttp(fastify) {
      fastify.addHook('onRequest', (request, _, done) => {
        keepVerifiedKey(request, KEY);
        done();
      });
    },
  });
}
