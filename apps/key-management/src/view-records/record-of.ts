import type { SecretRecord, TenantRecord } from '#libs/key-view';
import type { ExistingKey } from '../keys/key.state.js';
import type { ExistingTenant } from '../tenants/tenant.decider.js';

/** The key's verifiable state as verifiers see it: one record for every secret it ever had. */
export function secretRecordsOf(key: ExistingKey, version: number): SecretRecord[] {
  return key.secrets.map(({ digest, generation, state, validUntilMs }) => ({
    digest,
    keyId: key.keyId,
    tenantId: key.tenantId,
    environment: key.environment,
    scopes: key.scopes,
    generation,
    secretState: state,
    validUntilMs,
    keyState: key.status,
    expiresAtMs: key.expiresAtMs,
    requestsPerMinute: key.requestsPerMinute,
    version,
  }));
}

export function tenantRecordOf(tenant: ExistingTenant, version: number): TenantRecord {
  const { tenantId, status: state, profile, plan } = tenant;
  return { tenantId, state, profile, plan, version };
}
