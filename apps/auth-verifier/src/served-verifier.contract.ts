/** A whole verifier on free ports, with everything around it in this process, for the specs that call it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import {
  Consistency,
  Counting,
  VerifierServiceClient,
  type VerifyRequest,
} from '#libs/contracts/gen/latchkey/v1/verifier_service';
import type { KeyView } from '#libs/key-view';
import { ownRateLimits } from '#libs/rate-limit/serve';
import { createLogger, readEnvironment } from '#libs/service-kit';
import { GrpcCaller } from '#libs/service-kit/grpc-caller';
import { eventually } from '#libs/testing/eventually';
import { freePort } from '#libs/testing/free-port';
import { variables } from './config.js';
import { ExampleFence } from '#libs/verification/fence-examples.contract';
import { serveAuthority } from '#libs/verification/served-authority.contract';
import { SystemClocks } from '#libs/verification/system-clocks';
import { ExampleAuthority, sealKeys } from '#libs/verification/record-examples.contract';
import { PlayedLog } from './played-log.contract.js';
import { serve } from './serve.js';

/** Tokens of the callers, by name; each name says its roles. */
export const tokens = {
  both: 'token-of-both-roles',
  verify: 'token-of-verify-only',
  report: 'token-of-report-only',
  manage: 'token-of-another-role',
};

/** Tokens of callers that may verify, by whose keys. */
export const profileTokens = {
  every: 'token-of-verify-in-every-profile',
  seyn: 'token-of-verify-in-seyn-alone',
};

/** Starts it on the given view, with leases of `leaseMs`; `environment` adds to its variables or replaces them. */
export async function startVerifier<View extends KeyView>(
  keyView: View,
  environment: Record<string, string> = {},
  leaseMs = 10_000,
) {
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-verifier-'));
  const authority = new ExampleAuthority();
  const fence = new ExampleFence(new SystemClocks());
  fence.leaseMs = leaseMs;
  const management = await serveAuthority(authority, fence);
  const eventLog = new PlayedLog();
  const grpcPort = await freePort();
  const config = readEnvironment(variables, {
    LATCHKEY_VERIFIER_PORT: '0',
    LATCHKEY_VERIFIER_GRPC_PORT: String(grpcPort),
    LATCHKEY_SERVICE_TOKENS: [
      `both:${tokens.both}:verify+report`,
      `every:${profileTokens.every}:verify:*`,
      `seyn:${profileTokens.seyn}:verify:seyn`,
      `verify:${tokens.verify}:verify`,
      `report:${tokens.report}:report`,
      `manage:${tokens.manage}:manage+usage+project`,
    ].join(','),
    LATCHKEY_SERVICE_TOKEN: 'token-of-the-verifier',
    LATCHKEY_MANAGEMENT_ADDRESS: `127.0.0.1:${management.port}`,
    LATCHKEY_SEAL_KEYS: sealKeys.map(({ id, key }) => `${id}:${key.toString('base64')}`).join(','),
    LATCHKEY_DATA_DIR: directory,
    LATCHKEY_DOCS_PAGE: 'false',
    LATCHKEY_PROFILES: '*',
    ...environment,
  });
  const service = await serve(config, {
    eventLog,
    keyView,
    rateLimiting: () => ownRateLimits,
    logger: createLogger('auth-verifier', 'silent'),
  });
  await eventually(async () => {
    if (fence.rows.length === 0 || fence.renewals === 0) throw new Error('the verifier has no lease');
  });
  const client = new VerifierServiceClient(`127.0.0.1:${grpcPort}`, credentials.createInsecure());
  return {
    directory,
    authority,
    fence,
    keyView,
    eventLog,
    client,
    grpcAddress: `127.0.0.1:${grpcPort}`,
    httpUrl: service.httpUrl,
    calls: (token: string) => callsOf(client, token),
    async close() {
      client.close();
      await service.close();
      management.server.forceShutdown();
      rmSync(directory, { recursive: true });
    },
  };
}

export function verifyRequest(credential: string, changes: Partial<VerifyRequest> = {}): VerifyRequest {
  return {
    credential,
    profile: '',
    requiredScopes: [],
    counting: Counting.COUNT,
    route: '/v1/things',
    method: 'GET',
    consistency: Consistency.UNSPECIFIED,
    atLeastRevision: '',
    anyOfScopes: undefined,
    ...changes,
  };
}

/** The client's methods, called with a token. */
function callsOf(client: VerifierServiceClient, token: string) {
  const caller = new GrpcCaller(token, 5000);
  return {
    verify: (credential: string, changes: Partial<VerifyRequest> = {}) =>
      caller.call(client.verify.bind(client), verifyRequest(credential, changes)),
    verifyBatch: (requests: VerifyRequest[]) => caller.call(client.verifyBatch.bind(client), { requests }),
    reportRequests: (reports: Parameters<VerifierServiceClient['reportRequests']>[0]['reports']) =>
      caller.call(client.reportRequests.bind(client), { reports }),
  };
}

/** The gRPC status of a bare call with this authorization header, undefined for none. */
export function statusOf(
  client: VerifierServiceClient,
  method: 'verify' | 'verifyBatch' | 'reportRequests',
  authorization: string | undefined,
): Promise<number> {
  const metadata = new Metadata();
  if (authorization !== undefined) metadata.set('authorization', authorization);
  return new Promise((resolve) => {
    const done = (error: ServiceError | null) => resolve(error?.code ?? 0);
    if (method === 'verify') client.verify(verifyRequest('x'), metadata, done);
    else if (method === 'verifyBatch') client.verifyBatch({ requests: [] }, metadata, done);
    else client.reportRequests({ reports: [] }, metadata, done);
  });
}
