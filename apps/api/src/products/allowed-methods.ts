import { collectionOfPath } from './product-path.js';
import type { Profile } from '#libs/profiles';

/** Which methods each place of the API takes, learnt from its routes. */
export class AllowedMethods {
  private readonly routes: { pattern: RegExp; method: string }[] = [];

  /** `url` as the router knows it, with parameters like `:keyId`. */
  add(methods: string | readonly string[], url: string): void {
    const pattern = new RegExp(`^${url.replaceAll(/:[A-Za-z]+/g, '[^/]+')}$`);
    for (const method of [methods].flat()) this.routes.push({ pattern, method });
  }

  /** Of the place that a routed path leads to; empty where there is none. */
  at(product: Pick<Profile, 'collections'>, path: string): string[] {
    const methods = this.routes.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method);
    const collection = collectionOfPath(product, path);
    if (collection === undefined) return path.startsWith('/v1/collections/') ? [] : methods;
    const taken = new Set<string>(collection.methods);
    return methods.filter((method) => taken.has(method === 'HEAD' ? 'GET' : method));
  }
}
