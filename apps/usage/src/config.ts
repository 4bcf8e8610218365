import { port, standardVariables, type Values } from '#libs/service-kit';

/** What usage reads from its environment, besides where its event log is. */
export const variables = {
  httpPort: port('LATCHKEY_USAGE_PORT', 3002, 'HTTP port of usage'),
  grpcPort: port('LATCHKEY_USAGE_GRPC_PORT', 50053, 'gRPC port of usage'),
  bindHost: standardVariables.bindHost,
  trustedProxies: standardVariables.trustedProxies,
  logLevel: standardVariables.logLevel,
  errorTrackerUrl: standardVariables.errorTrackerUrl,
  docsPage: standardVariables.docsPage,
  operatorToken: standardVariables.operatorToken,
  serviceTokens: standardVariables.serviceTokens,
  databaseUrl: standardVariables.databaseUrl,
  databaseMigrationUrl: standardVariables.databaseMigrationUrl,
  databaseTlsCaFile: standardVariables.databaseTlsCaFile,
  databaseConnectionsMax: standardVariables.databaseConnectionsMax,
} as const;

export type Config = Values<typeof variables>;
