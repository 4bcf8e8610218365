import { integer, port, standardVariables, type Values, type Variable } from '#libs/service-kit';

/** What auth-verifier reads from its environment, besides where its event log and its view are. */
export const variables = {
  httpPort: port('LATCHKEY_VERIFIER_PORT', 3003, 'HTTP port of auth-verifier'),
  grpcPort: port('LATCHKEY_VERIFIER_GRPC_PORT', 50051, 'gRPC port of auth-verifier'),
  bindHost: standardVariables.bindHost,
  trustedProxies: standardVariables.trustedProxies,
  logLevel: standardVariables.logLevel,
  docsPage: standardVariables.docsPage,
  serviceTokens: standardVariables.serviceTokens,
  serviceToken: standardVariables.serviceToken,
  managementAddress: standardVariables.managementAddress,
  sealKeys: standardVariables.sealKeys,
  dataDirectory: standardVariables.dataDirectory,
  legacyKeyPatterns: legacyKeyPatterns(),
  readThroughsPerSecondMax: integer(
    'LATCHKEY_READ_THROUGHS_PER_SECOND_MAX',
    1000,
    { min: 1, max: 1_000_000 },
    'most questions to key-management per second for digests the view does not have, shared fairly by the callers',
  ),
  spoolFsync: standardVariables.spoolFsync,
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
  serviceToken: variables.serviceToken,
  managementAddress: variables.managementAddress,
  sealKeys: variables.sealKeys,
} as const;

export type RebuildConfig = Values<typeof rebuildVariables>;

/** Separated by white space, since a regular expression may hold commas and no credential holds white space. */
function legacyKeyPatterns(): Variable<RegExp[]> {
  return {
    name: 'LATCHKEY_LEGACY_KEY_PATTERNS',
    description:
      'anchored regular expressions (^…$), separated by spaces, of imported keys that do not have our own format',
    default: '',
    secret: false,
    parse: (text) =>
      text
        .split(/\s+/)
        .filter((item) => item !== '')
        .map((item) => {
          // Without the anchors, or with an alternative outside of them, anything at all could pass as a key.
          if (!item.startsWith('^') || !item.endsWith('$'))
            throw new Error(`is not anchored (^…$): "${item}"`);
          try {
            return new RegExp(`^(?:${item.slice(1, -1)})$`);
          } catch {
            throw new Error(`is not a regular expression: "${item}"`);
          }
        }),
  };
}
