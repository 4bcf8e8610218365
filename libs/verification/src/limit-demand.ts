import { type Profile, requestsPerMinuteOf } from '#libs/profiles';
import type { Demand } from '#libs/rate-limit';
import type { KnownCredential } from './verdict.js';

/** What a request takes from the budget of its key, or of its tenant; undefined where it is not limited. */
export function limitDemandOf(profile: Profile, { secret, tenant }: KnownCredential): Demand | undefined {
  const { requestsPerMinute: override, scopes, keyId, tenantId } = secret;
  const limit = requestsPerMinuteOf(profile, { scopes, plan: tenant.plan, override });
  if (limit === null) return undefined;
  const ofTenant = override === null && profile.rateLimit?.per === 'tenant';
  return { subject: ofTenant ? `tenant-${tenantId}` : `key-${keyId}`, limit, cost: 1 };
}
