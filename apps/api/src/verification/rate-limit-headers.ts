import type { Profile } from '#libs/profiles';
import type { RateLimit } from './verifier.js';

/** The window that limits are counted over, seconds. */
const WINDOW_SECONDS = 60;

/**
 * How the key's limit stands, as `RateLimit-Policy` and `RateLimit` say it (draft-ietf-httpapi-ratelimit-headers-10:
 * q the quota and w its window, r what is left and t the seconds until it is whole again, or on a 429 until the next
 * request is admitted), and as `X-RateLimit-*` where the product's users look for those; Reset is in seconds from now.
 */
export function rateLimitHeaders(
  { name, rateLimit: rule }: Pick<Profile, 'name' | 'rateLimit'>,
  { limit, remaining, resetMs, retryAfterMs }: RateLimit,
): Record<string, string> {
  const seconds = Math.ceil((retryAfterMs > 0 ? retryAfterMs : resetMs) / 1000);
  return {
    'ratelimit-policy': `"${name}";q=${limit};w=${WINDOW_SECONDS}`,
    ratelimit: `"${name}";r=${remaining};t=${seconds}`,
    ...(rule?.xHeaders && {
      'x-ratelimit-limit': String(limit),
      'x-ratelimit-remaining': String(remaining),
      'x-ratelimit-reset': String(seconds),
    }),
  };
}
