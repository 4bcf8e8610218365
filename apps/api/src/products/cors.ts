import type { Profile } from '#libs/profiles';

/** How long a browser may go by a preflight, seconds. */
const MAX_AGE_SECONDS = 600;
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];
const REQUEST_HEADERS = 'authorization, content-type, idempotency-key, prefer';
const RESPONSE_HEADERS =
  'location, preference-applied, ratelimit, ratelimit-policy, retry-after, www-authenticate, x-error-id, ' +
  'x-ratelimit-limit, x-ratelimit-remaining, x-ratelimit-reset, x-request-id';

interface Request {
  method: string;
  headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** Whether a browser asks what it may send, before it sends it (Fetch standard, CORS-preflight request). */
export function isPreflight({ method, headers }: Request): boolean {
  return (
    method === 'OPTIONS' &&
    headers['origin'] !== undefined &&
    headers['access-control-request-method'] !== undefined
  );
}

/**
 * What lets a page of an allowed origin read the answer; nothing where the product allows none. Credentials are never
 * let in by it: keys come in a header that the page itself sets.
 */
export function corsHeaders(
  { corsOrigins, scopes }: Pick<Profile, 'corsOrigins' | 'scopes'>,
  request: Request,
) {
  if (corsOrigins.length === 0) return {};
  const { origin } = request.headers;
  const anyone = corsOrigins.includes('*');
  const allowed = anyone ? '*' : corsOrigins.find((each) => each === origin);
  if (origin === undefined || allowed === undefined) return { vary: 'Origin' };
  const methods = scopes.rules.some((rule) => rule.methods === null)
    ? METHODS
    : [...new Set(scopes.rules.flatMap((rule) => rule.methods ?? []))];
  return {
    ...(!anyone && { vary: 'Origin' }),
    'access-control-allow-origin': allowed,
    ...(isPreflight(request)
      ? {
          'access-control-allow-methods': methods.join(', '),
          'access-control-allow-headers': REQUEST_HEADERS,
          'access-control-max-age': String(MAX_AGE_SECONDS),
        }
      : { 'access-control-expose-headers': RESPONSE_HEADERS }),
  };
}
