/** A whole verification on stand-ins for everything around it, by clocks that the spec turns. */
import { Registry } from 'prom-client';
import {
  Consistency,
  Counting,
  type VerifyRequest,
  type VerifyResponse,
} from '#libs/contracts/gen/latchkey/v1/verifier_service';
import { digestOf } from '#libs/key-secret';
import type { SecretRecord, TenantRecord } from '#libs/key-view';
import { InMemoryRateLimiter } from '#libs/rate-limit/in-memory-rate-limiter';
import { createLogger } from '#libs/service-kit';
import { ExampleFence, ExampleFenceChannel, settled, TurnedClocks } from './fence-examples.contract.js';
import { exampleProfiles } from './profile-examples.contract.js';
import {
  ExampleAuthority,
  LosableKeyView,
  newCredential,
  seal,
  sealKeys,
  secretRecord,
  tenantRecord,
} from './record-examples.contract.js';
import { assembleVerification } from './serve.js';

export async function givenVerification({
  onLapse = 'deny' as 'deny' | 'serveStale',
  nearCacheRecordsMax = 1000,
} = {}) {
  const clocks = new TurnedClocks();
  /** The authority's clock runs as ours does, and is set otherwise. */
  const authorityTimeMs = () => 1_700_000_000_000 + clocks.monotonic;
  const fence = new ExampleFence({ monotonicMs: clocks.monotonicMs, wallMs: authorityTimeMs });
  const authority = new ExampleAuthority();
  const view = new LosableKeyView();
  const limiter = new InMemoryRateLimiter(clocks.monotonicMs);
  const verification = assembleVerification(
    {
      verifierId: 'v1',
      nearCacheRecordsMax,
      onLapse,
      serveStaleMs: 20_000,
      sealKeys,
      profilesDirectory: '',
      profiles: exampleProfiles,
      readThroughsPerSecondMax: 1000,
    },
    {
      authority,
      view,
      rateLimiting: () => limiter,
      clocks,
      channel: new ExampleFenceChannel(fence),
      logger: createLogger('verification', 'silent'),
      metrics: new Registry(),
    },
  );
  await settled();
  const request = (credential: string, changes: Partial<VerifyRequest> = {}): VerifyRequest => ({
    credential,
    profile: '',
    requiredScopes: [],
    counting: Counting.COUNT,
    route: '/',
    method: 'GET',
    consistency: Consistency.UNSPECIFIED,
    atLeastRevision: '',
    anyOfScopes: undefined,
    ...changes,
  });
  const { verifier } = verification;
  return {
    limiter,
    clocks,
    authorityTimeMs,
    fence,
    authority,
    view,
    verifier,
    verification,
    request,
    async verify(credential: string, changes: Partial<VerifyRequest> = {}): Promise<VerifyResponse> {
      return (await verifier.verify(request(credential, changes), 'caller')).response;
    },
    /** A key that the authority has, and the view too. */
    async key(
      changes: Partial<SecretRecord> = {},
      tenant: Partial<TenantRecord> = {},
      credential = newCredential(),
    ) {
      const secret = secretRecord({ digest: digestOf(credential), ...changes });
      const owner = tenantRecord({ tenantId: secret.tenantId, ...tenant });
      authority.knows(secret, owner);
      await view.put({ kind: 'secret', id: secret.digest }, secret.version, seal.seal('secret', secret));
      await view.put({ kind: 'tenant', id: owner.tenantId }, owner.version, seal.seal('tenant', owner));
      return { credential, secret, tenant: owner };
    },
  };
}

export type GivenVerification = Awaited<ReturnType<typeof givenVerification>>;
