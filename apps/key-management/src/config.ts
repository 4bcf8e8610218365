import { profileVariables } from '#libs/profiles/config';
import { integer, port, standardVariables, type Values } from '#libs/service-kit';

/** What key-management reads from its environment. */
export const variables = {
  httpPort: port('LATCHKEY_MANAGEMENT_PORT', 3001, 'HTTP port of key-management'),
  grpcPort: port('LATCHKEY_MANAGEMENT_GRPC_PORT', 50052, 'gRPC port of key-management'),
  bindHost: standardVariables.bindHost,
  trustedProxies: standardVariables.trustedProxies,
  logLevel: standardVariables.logLevel,
  errorTrackerUrl: standardVariables.errorTrackerUrl,
  docsPage: standardVariables.docsPage,
  operatorToken: standardVariables.operatorToken,
  serviceTokens: standardVariables.serviceTokens,
  serviceToken: standardVariables.serviceToken,
  usageAddress: standardVariables.usageAddress,
  sealKeys: standardVariables.sealKeys,
  ...profileVariables,
  fenceLeaseMs: integer(
    'LATCHKEY_FENCE_LEASE_MS',
    10_000,
    { min: 500, max: 300_000 },
    'how long a verifier answers without hearing from key-management, and a restriction waits for one that is silent, milliseconds',
  ),
  fenceServeStaleMsMax: integer(
    'LATCHKEY_FENCE_SERVE_STALE_MAX_MS',
    0,
    { min: 0, max: 3_600_000 },
    'longest that a verifier may answer beyond its lease, flagged degraded, milliseconds; every restriction may wait so much longer',
  ),
  fenceChangesPerSecondMax: integer(
    'LATCHKEY_FENCE_RESTRICTIONS_PER_SECOND_MAX',
    50,
    { min: 1, max: 100_000 },
    'most changes per second to the existing keys of one tenant, and to itself, per instance; beyond them 429',
  ),
  databaseUrl: standardVariables.databaseUrl,
  databaseMigrationUrl: standardVariables.databaseMigrationUrl,
  databaseTlsCaFile: standardVariables.databaseTlsCaFile,
  databaseConnectionsMax: standardVariables.databaseConnectionsMax,
} as const;

export type Config = Values<typeof variables>;
