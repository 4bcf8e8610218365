import type { Collection, Profile } from '#libs/profiles';
import { isOpenRoute } from '../verification/open-routes.js';

/** Where no route is and none will be: what a product does not have must not meet what another one has there. */
const NOWHERE = '/~';

type Product = Pick<Profile, 'basePath' | 'managedKeysPath' | 'collections' | 'versions'>;

const COLLECTIONS = '/v1/collections';

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

/** Whether the product has what lies at a controller's own path. */
export function hasPlace(product: Product, path: string): boolean {
  return places(product).some(([, place]) => path === place || path.startsWith(`${place}/`));
}

/** The product's collection that a routed path leads to, or into; undefined where it leads to none. */
export function collectionOfPath(
  { collections }: Pick<Profile, 'collections'>,
  path: string,
): Collection | undefined {
  if (!path.startsWith(`${COLLECTIONS}/`)) return undefined;
  const [first, , nested] = path.slice(COLLECTIONS.length + 1).split('/');
  return collections.find(({ name, parent }) =>
    nested === undefined
      ? parent === null && name === first
      : parent?.collection === first && name === nested,
  );
}

function places({
  basePath,
  managedKeysPath,
  collections,
  versions,
}: Product): [own: string, routed: string][] {
  return [
    [`${basePath}/whoami`, '/v1/whoami'],
    ...(managedKeysPath === null
      ? []
      : ([
          [basePath + managedKeysPath, '/v1/keys'],
          [`${basePath}/enforcements`, '/v1/enforcements'],
        ] as [string, string][])),
    ...(versions === null
      ? []
      : ([[basePath + versions.accountPath, '/v1/account-version']] as [string, string][])),
    ...collections
      .filter(({ parent }) => parent === null)
      .map(({ name }): [string, string] => [`${basePath}/${name}`, `${COLLECTIONS}/${name}`]),
  ];
}
