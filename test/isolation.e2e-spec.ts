import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { Collection, Profile } from '#libs/profiles';
import { type LatchkeyStandalone, startLatchkeyStandalone } from '#libs/testing/latchkey-standalone';
import { shippedProfiles } from '#libs/testing/shipped-profiles';
import { type HttpAnswer, type IssuedKey, Product } from './conformance/product.js';

jest.setTimeout(120_000);

/** A request to a route, and what answers would give the owner away. */
interface Attempt {
  method: string;
  path: string;
  body?: object | undefined;
}

describe('no key reaches what another tenant, or the other environment, has', () => {
  let latchkey: LatchkeyStandalone;
  beforeAll(async () => {
    latchkey = await startLatchkeyStandalone({ LATCHKEY_PROFILES: '*' });
  }, 120_000);
  afterAll(() => latchkey?.stop(), 60_000);

  const productOf = ({ name, basePath, httpsOnly }: Profile) =>
    new Product(latchkey, name, basePath, httpsOnly, {
      environment: { LATCHKEY_DATA_DIR: latchkey.directory },
      databaseAdminUrl: '',
    });

  it.each(shippedProfiles.all.map((profile) => [profile.name, profile] as const))(
    'of %s, by any route',
    async (_, profile) => {
      const product = productOf(profile);
      const mighty = async (environment: string, tenantId: string) => {
        const names = profile.scopes.rules.map(({ name }) => name);
        const scopes = { free: { scopes: names }, one: { scopes: names.slice(-1) }, some: {}, all: {} };
        const key = await product.key({ environment, ...scopes[profile.scopes.choice] }, tenantId);
        await product.client.manage('PUT', `${key.path}/rate-limit`, { requestsPerMinute: 10_000 });
        return key;
      };
      const owner = await mighty('live', await product.tenant());
      const strangers = [await mighty('live', await product.tenant())];
      if (profile.keys.environments.includes('test')) strangers.push(await mighty('test', owner.tenantId));

      const documents = await filled(product, profile, owner);
      const before = await Promise.all(
        [...documents.values()].map(({ path }) => product.as(owner.secret, path)),
      );
      expect(before.map(({ status }) => status)).toEqual(before.map(() => 200));
      for (const stranger of strangers) {
        for (const { method, path, body } of attempts(profile, documents, owner)) {
          const unknown = {
            path: withoutId(path),
            body: body && JSON.parse(withoutId(JSON.stringify(body))),
          };
          const crossed = await product.as(stranger.secret, path, { method, body });
          const asUnknown = await product.as(stranger.secret, unknown.path, { method, body: unknown.body });
          expect([method, path, answered(crossed)]).toEqual([method, path, answered(asUnknown)]);
          expect([404, 403, 405]).toContain(crossed.status);
        }
        for (const { path: list } of listsOf(profile, documents)) {
          const { status, text } = await product.as(stranger.secret, list);
          for (const id of [...documents.keys(), owner.keyId])
            expect([list, status, text.includes(id)]).toEqual([list, status, false]);
        }
      }
      const after = await Promise.all(
        [...documents.values()].map(({ path }) => product.as(owner.secret, path)),
      );
      expect(after.map(({ body }) => body)).toEqual(before.map(({ body }) => body));
      expect((await product.whoami(owner.secret)).status).toBe(200);
      product.close();
    },
  );
});

type Documents = ReadonlyMap<string, { path: string; collection: Collection }>;

/** One document of each collection, each made with those it refers to; by id. */
async function filled(
  product: Product,
  profile: Profile,
  { secret, tenantId }: IssuedKey,
): Promise<Documents> {
  const documents = new Map<string, { path: string; collection: Collection }>();
  const idIn = (name: string) =>
    [...documents].find(([, { collection }]) => collection.name === name)?.[0] ?? '';
  const waiting = [...profile.collections];
  while (waiting.length > 0) {
    const at = waiting.findIndex(({ references, parent }) =>
      [...references.values(), ...(parent ? [parent.collection] : [])].every((name) => idIn(name) !== ''),
    );
    const [collection] = waiting.splice(at, 1);
    if (collection === undefined) break;
    const { name, parent, methods, references, example } = collection;
    const list = parent === null ? `/${name}` : `/${parent.collection}/${idIn(parent.collection)}/${name}`;
    const referring = [...references].map(([field, other]) => [field, idIn(other)]);
    const body = { ...example, ...Object.fromEntries(referring) };
    if (methods.includes('POST')) {
      const { id } = await product.add(secret, list, body);
      documents.set(id, { path: `${list}/${id}`, collection });
    } else {
      await product.import(tenantId, name, [body]);
      const [id = ''] = await product.idsOf(secret, list);
      documents.set(id, { path: `${list}/${id}`, collection });
    }
  }
  return documents;
}

/** Every way to a document, or to a key, by its id: in the path, or as what a new document refers to or lies in. */
function attempts(
  { collections, managedKeysPath }: Profile,
  documents: Documents,
  { keyId }: IssuedKey,
): Attempt[] {
  const idIn = (name: string) =>
    [...documents].find(([, { collection }]) => collection.name === name)?.[0] ?? '';
  return [
    ...[...documents.values()].flatMap(({ path, collection: { methods, example } }) =>
      methods
        .filter((method) => method !== 'POST')
        .map((method) => ({ method, path, ...(method === 'PATCH' && { body: example }) })),
    ),
    ...collections
      .filter(
        ({ references, parent, methods }) =>
          methods.includes('POST') && (references.size > 0 || parent !== null),
      )
      .map(({ name, parent, references, example }) => ({
        method: 'POST',
        path: parent === null ? `/${name}` : `/${parent.collection}/${idIn(parent.collection)}/${name}`,
        body: {
          ...example,
          ...Object.fromEntries([...references].map(([field, other]) => [field, idIn(other)])),
        },
      })),
    ...(managedKeysPath === null
      ? []
      : [
          { method: 'DELETE', path: `${managedKeysPath}/${keyId}` },
          ...['rotate', 'revoke', 'retire-previous-secret'].map((change) => ({
            method: 'POST',
            path: `${managedKeysPath}/${keyId}/${change}`,
          })),
        ]),
  ];
}

function listsOf({ collections, managedKeysPath }: Profile, documents: Documents): { path: string }[] {
  const parentId = (name: string) =>
    [...documents].find(([, { collection }]) => collection.name === name)?.[0];
  return [
    ...collections.map(({ name, parent }) => ({
      path: parent === null ? `/${name}` : `/${parent.collection}/${parentId(parent.collection)}/${name}`,
    })),
    ...(managedKeysPath === null ? [] : [{ path: managedKeysPath }]),
  ];
}

/** The same with ids that never were. */
function withoutId(text: string): string {
  return text.replaceAll(
    /\b([a-z]+)_[0-9a-f]{28,32}\b/g,
    (id, prefix: string) => `${prefix}_${'0'.repeat(id.length - prefix.length - 1)}`,
  );
}

function answered({ status, body }: HttpAnswer): unknown {
  const { requestId: _, ...rest } = (body ?? {}) as Record<string, unknown>;
  return [status, rest];
}
