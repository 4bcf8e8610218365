import type { Profile } from '#libs/profiles';
import { isOpenRoute } from '../verification/open-routes.js';

/** Where no route is and none will be: what a product does not have must not meet what another one has there. */
const NOWHERE = '/~';

type Product = Pick<Profile, 'basePath' | 'managedKeysPath'>;

/**
 * The target on which a controller waits for what a product's user asked for, query and all. Controllers lie below
 * `/v1`; each product lays them below its own base path, and keys where it calls them so.
 */
export function routedTarget(product: Product, target: string): string {
  const [path = ''] = target.split(/[?#]/, 1);
  const query = target.slice(path.length);
  if (isOpenRoute(path)) return target;
  for (const [own, routed] of places(product)) {
    if (path === own || path.startsWith(`${own}/`)) return routed + path.slice(own.length) + query;
  }
  return NOWHERE + target;
}

/** A controller's own path as the product's users know it: the way back. */
export function publicPath(product: Product, path: string): string {
  const [own, routed] = places(product).find(
    ([, place]) => path === place || path.startsWith(`${place}/`),
  ) ?? ['', ''];
  return own + path.slice(routed.length);
}

function places({ basePath, managedKeysPath }: Product): [own: string, routed: string][] {
  const whoami: [string, string] = [`${basePath}/whoami`, '/v1/whoami'];
  if (managedKeysPath === null) return [whoami];
  return [whoami, [basePath + managedKeysPath, '/v1/keys'], [`${basePath}/enforcements`, '/v1/enforcements']];
}
