import { port, standardVariables, type Values } from '#libs/service-kit';
import { verificationVariables } from '#libs/verification/config';

/** What auth-verifier reads from its environment, besides where its event log and its view are. */
export const variables = {
  httpPort: port('LATCHKEY_VERIFIER_PORT', 3003, 'HTTP port of auth-verifier'),
  grpcPort: port('LATCHKEY_VERIFIER_GRPC_PORT', 50051, 'gRPC port of auth-verifier'),
  bindHost: standardVariables.bindHost,
  trustedProxies: standardVariables.trustedProxies,
  logLevel: standardVariables.logLevel,
  errorTrackerUrl: standardVariables.errorTrackerUrl,
  docsPage: standardVariables.docsPage,
  serviceTokens: standardVariables.serviceTokens,
  dataDirectory: standardVariables.dataDirectory,
  spoolFsync: standardVariables.spoolFsync,
  ...verificationVariables,
} as const;

export type Config = Values<typeof variables>;

/** Where the view is when it is in Redis. */
export const redisVariables = {
  redisUrl: standardVariables.redisUrl,
  redisTlsCaFile: standardVariables.redisTlsCaFile,
  redisCluster: standardVariables.redisCluster,
} as const;

/** What rebuilding the view needs of it. */
export const rebuildVariables = {
  logLevel: variables.logLevel,
  serviceToken: verificationVariables.serviceToken,
  managementAddress: verificationVariables.managementAddress,
  sealKeys: verificationVariables.sealKeys,
} as const;

export type RebuildConfig = Values<typeof rebuildVariables>;
