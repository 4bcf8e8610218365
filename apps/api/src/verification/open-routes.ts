const OPEN_ROUTES = new Set(['/metrics', '/openapi.json', '/docs', '/health/live', '/health/ready']);

/**
 * True for the pattern of a route that needs no key and is never counted. Patterns, not paths: an address below them
 * that no route matches needs a key like any other.
 */
export function isOpenRoute(routePattern: string): boolean {
  return OPEN_ROUTES.has(routePattern) || routePattern.startsWith('/docs/');
}
