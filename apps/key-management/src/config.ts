import { port, standardVariables, type Values } from '#libs/service-kit';

/** What key-management reads from its environment. */
export const variables = {
  httpPort: port('LATCHKEY_MANAGEMENT_PORT', 3001, 'HTTP port of key-management'),
  grpcPort: port('LATCHKEY_MANAGEMENT_GRPC_PORT', 50052, 'gRPC port of key-management'),
  bindHost: standardVariables.bindHost,
  trustedProxies: standardVariables.trustedProxies,
  logLevel: standardVariables.logLevel,
  docsPage: standardVariables.docsPage,
  operatorToken: standardVariables.operatorToken,
  serviceTokens: standardVariables.serviceTokens,
  serviceToken: standardVariables.serviceToken,
  usageAddress: standardVariables.usageAddress,
  sealKeys: standardVariables.sealKeys,
  databaseUrl: standardVariables.databaseUrl,
  databaseMigrationUrl: standardVariables.databaseMigrationUrl,
  databaseTlsCaFile: standardVariables.databaseTlsCaFile,
  databaseConnectionsMax: standardVariables.databaseConnectionsMax,
} as const;

export type Config = Values<typeof variables>;
