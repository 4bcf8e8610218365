import { port, standardVariables, text, type Values } from '#libs/service-kit';

/** What the standalone process reads from its environment: everything has a default. */
export const variables = {
  apiPort: port('LATCHKEY_API_PORT', 3000, 'HTTP port of api'),
  managementPort: port('LATCHKEY_MANAGEMENT_PORT', 3001, 'HTTP port of key-management'),
  usagePort: port('LATCHKEY_USAGE_PORT', 3002, 'HTTP port of usage'),
  verifierPort: port('LATCHKEY_VERIFIER_PORT', 3003, 'HTTP port of auth-verifier'),
  verifierGrpcPort: port('LATCHKEY_VERIFIER_GRPC_PORT', 50051, 'gRPC port of auth-verifier'),
  managementGrpcPort: port('LATCHKEY_MANAGEMENT_GRPC_PORT', 50052, 'gRPC port of key-management'),
  usageGrpcPort: port('LATCHKEY_USAGE_GRPC_PORT', 50053, 'gRPC port of usage'),
  bindHost: standardVariables.bindHost,
  trustedProxies: standardVariables.trustedProxies,
  docsPage: standardVariables.docsPage,
  dataDirectory: standardVariables.dataDirectory,
  logLevel: {
    ...standardVariables.logLevel,
    default: 'warn',
  },
  legacyKeyPatterns: text(
    'LATCHKEY_LEGACY_KEY_PATTERNS',
    '',
    'regular expressions of imported keys, separated by white space',
  ),
} as const;

export type Config = Values<typeof variables>;
