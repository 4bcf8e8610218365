/** The api's own routes, with its hooks on a verifier and a store that answer at once, or without any: the rest is the same. */
import { Registry } from 'prom-client';
import { readProfiles } from '#libs/profiles/file-profiles';
import { createLogger } from '#libs/service-kit';
import { serveApplication } from '#libs/service-kit/serve';
import { ServiceModule } from '#libs/service-kit/service.module';
import { ApiModule } from '../../dist/apps/api/src/api.module.js';
import { WrittenForms } from '../../dist/apps/api/src/collections/written-forms.js';
import { CursorSeal } from '../../dist/apps/api/src/lists/sealed-cursor.js';
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
const NOW = new Date('2026-11-22T10:00:00Z');
const CONNECTIONS = Array.from({ length: 100 }, (_, n) => ({
  id: `cnx_${n}`,
  body: { agentId: `agt_${n}`, serviceId: `svc_${n}`, transport: 'direct', state: 'active' },
  version: '2026-10-01',
  createdAt: NOW,
  updatedAt: NOW,
}));
/** A store that answers at once. */
const documents = {
  of: (_, work) => work({ page: async () => ({ documents: CONNECTIONS, next: null, hasMore: false }) }),
};
/** Nobody asks the first two. */
const BEHIND = {
  keyManagement: {},
  keyUsage: {},
  documents,
  accountVersions: { pinned: async (_, newest) => newest },
};

serveWorker(async ({ kind }) => {
  const shared = { logger: createLogger('bench', 'warn'), metrics: new Registry(), dependencies: [] };
  const profiles = readProfiles('deploy/profiles', ['default', 'seyn', 'syntropy']);
  const service = await (kind === 'bare' ? serveBare(shared) : serveHooked(profiles, shared));
  const dates = profiles.named('syntropy').versions.dated.map(({ date }) => date);
  return { started: { httpUrl: service.httpUrl, dates }, stop: () => service.close() };
});

function serveHooked(profiles, shared) {
  const config = {
    profiles,
    cursorKey: 'cursors-of-the-bench',
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
    module: ApiModule.with({
      service: ServiceModule.with(shared),
      ...BEHIND,
      cursors: new CursorSeal('cursors-of-the-bench'),
      forms: new WrittenForms(),
    }),
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
