import { profileVariables } from '#libs/profiles/config';
import { integer, standardVariables, text, type Values, type Variable } from '#libs/service-kit';

/** What a process that verifies reads from its environment. */
export const verificationVariables = {
  serviceToken: standardVariables.serviceToken,
  managementAddress: standardVariables.managementAddress,
  sealKeys: standardVariables.sealKeys,
  ...profileVariables,
  readThroughsPerSecondMax: integer(
    'LATCHKEY_READ_THROUGHS_PER_SECOND_MAX',
    1000,
    { min: 1, max: 1_000_000 },
    'most questions to key-management per second for digests the view does not have, shared fairly by the callers',
  ),
  verifierId: text(
    'LATCHKEY_VERIFIER_ID',
    '',
    'name of this verifier at the fence; empty: host name and port',
  ),
  nearCacheRecordsMax: integer(
    'LATCHKEY_NEAR_CACHE_RECORDS_MAX',
    200_000,
    { min: 0, max: 10_000_000 },
    'most records of secrets, and as many of tenants, kept in memory to answer from without asking Redis; 0: none',
  ),
  onLapse: onLapse(),
  serveStaleMs: integer(
    'LATCHKEY_SERVE_STALE_MS',
    10_000,
    { min: 0, max: 3_600_000 },
    'with serveStale: how long past its lease it answers, milliseconds; every revocation may wait so much longer',
  ),
} as const;

export type VerificationConfig = Values<typeof verificationVariables>;

function onLapse(): Variable<'deny' | 'serveStale'> {
  return {
    ...text(
      'LATCHKEY_ON_LAPSE',
      'deny',
      'while key-management is away for longer than the lease: deny, or serveStale (go on a while, flagged degraded)',
    ),
    parse(value) {
      if (value !== 'deny' && value !== 'serveStale')
        throw new Error(`is neither deny nor serveStale: "${value}"`);
      return value;
    },
  };
}
