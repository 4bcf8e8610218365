import { integer, port, standardVariables, type Values } from '#libs/service-kit';

/** What api reads from its environment. */
export const variables = {
  httpPort: port('LATCHKEY_API_PORT', 3000, 'HTTP port of the public API'),
  bindHost: standardVariables.bindHost,
  trustedProxies: standardVariables.trustedProxies,
  logLevel: standardVariables.logLevel,
  docsPage: standardVariables.docsPage,
  serviceToken: standardVariables.serviceToken,
  verifierAddress: standardVariables.verifierAddress,
  managementAddress: standardVariables.managementAddress,
  usageAddress: standardVariables.usageAddress,
  dataDirectory: standardVariables.dataDirectory,
  spoolFsync: standardVariables.spoolFsync,
  verifyDeadlineMs: integer(
    'LATCHKEY_API_VERIFY_DEADLINE_MS',
    2000,
    { min: 50, max: 30_000 },
    'longest that a request waits for the verdict on its key, milliseconds; past it the answer is 503',
  ),
} as const;

export type Config = Values<typeof variables>;
