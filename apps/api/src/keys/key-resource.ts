import type { Profile } from '#libs/profiles';
import type { Insights } from './key-usage.js';
import type { Enforcement, ManagedKey } from './key-management.js';
import type { EnforcementResponse, KeyResponse, KeyWithInsightsResponse } from './key.response.js';

/** A key as JSON: times in ISO 8601, UTC. */
export function keyResourceOf(key: ManagedKey) {
  return {
    ...key,
    createdAt: key.createdAt.toISOString(),
    expiresAt: isoOrNull(key.expiresAt),
    revokedAt: isoOrNull(key.revokedAt),
    previousSecretValidUntil: isoOrNull(key.previousSecretValidUntil),
  } satisfies KeyResponse;
}

/** How a change stands as JSON. */
export function enforcementResourceOf(enforcement: Enforcement) {
  if (enforcement.status === 'enforced') return enforcement satisfies EnforcementResponse;
  const { enforcedBy, ...committed } = enforcement;
  return {
    ...committed,
    ...(enforcedBy && { enforcedBy: enforcedBy.toISOString() }),
  } satisfies EnforcementResponse;
}

/** A key as JSON with its insights, its last use as its product counts it. When it was made is key-management's to say: usage may not have heard of it yet. */
export function keyWithInsightsOf(
  key: ManagedKey,
  insights: Insights,
  lastUsed: Profile['keys']['lastUsed'],
): KeyWithInsightsResponse {
  const resource = keyResourceOf(key);
  return {
    ...resource,
    insights: {
      ...insights,
      createdAt: resource.createdAt,
      lastUsedAt: isoOrNull(lastUsed === 'success' ? insights.lastUsedAt : insights.lastAuthenticatedAt),
      lastAuthenticatedAt: isoOrNull(insights.lastAuthenticatedAt),
      windowStart: insights.windowStart.toISOString(),
    },
  };
}

function isoOrNull(date: Date | null): string | null {
  return date?.toISOString() ?? null;
}
