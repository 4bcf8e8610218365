import type { KeyView, RecordId } from '#libs/key-view';
import type { UnsoundRecords, ReadThrough } from '../reading-through/read-through.js';
import type { KnownCredential } from '../verify/verdict.js';
import type { SoundRecords } from './sound-records.js';

/** What the view said about one digest. */
interface Lookup {
  digest: string;
  unsound: UnsoundRecords;
  known: KnownCredential | undefined;
}

/** Finds what is known of digests: in the view, and where that has no sound answer, at key-management. */
export class CredentialRecords {
  constructor(
    private readonly view: KeyView,
    private readonly sound: SoundRecords,
    private readonly readThrough: ReadThrough,
  ) {}

  /**
   * In the order of the digests, undefined where no key ever had it. One round trip to the view where the tenants of
   * all digests are remembered, else two. Throws the rejection UNAVAILABLE where neither can answer.
   */
  async find(digests: readonly string[], caller: string): Promise<(KnownCredential | undefined)[]> {
    let lookups: Lookup[];
    try {
      lookups = await this.lookUp(digests);
    } catch {
      // Without the view the authority is asked for each: slower and capped, but never a wrong "no such key".
      return Promise.all(digests.map((digest) => this.readThrough.find(digest, caller, 'away')));
    }
    const known = lookups.map((lookup) => lookup.known);
    const missed = lookups.flatMap((lookup, index) => (lookup.known === undefined ? [index] : []));
    if (missed.length > 0) {
      await Promise.all(
        missed.map(async (index) => {
          const { digest, unsound } = lookups[index] as Lookup;
          known[index] = await this.readThrough.find(digest, caller, unsound);
        }),
      );
    }
    return known;
  }

  private async lookUp(digests: readonly string[]): Promise<Lookup[]> {
    const tenantIds = new Set<string>();
    for (const digest of digests) {
      const tenantId = this.sound.tenantIdOf(digest);
      if (tenantId !== undefined) tenantIds.add(tenantId);
    }
    const secretIds = digests.map((id): RecordId => ({ kind: 'secret', id }));
    const found = await this.view.find([...secretIds, ...tenantsAt(tenantIds)]);
    const tenants = zip(tenantIds, found.slice(digests.length));

    const secrets = digests.map((digest, index) => {
      const sealed = found[index];
      return sealed && this.sound.secret(digest, sealed);
    });
    const unseen = new Set<string>();
    for (const secret of secrets) {
      if (secret !== undefined && !tenantIds.has(secret.tenantId)) unseen.add(secret.tenantId);
    }
    if (unseen.size > 0) {
      for (const [id, sealed] of zip(unseen, await this.view.find(tenantsAt(unseen))))
        tenants.set(id, sealed);
    }

    return digests.map((digest, index) => {
      const secret = secrets[index];
      const sealedTenant = secret && tenants.get(secret.tenantId);
      const tenant = sealedTenant && this.sound.tenant(secret.tenantId, sealedTenant);
      return {
        digest,
        unsound: {
          secret: secret === undefined ? found[index] : undefined,
          tenant: tenant === undefined ? sealedTenant : undefined,
        },
        known: tenant && { secret, tenant },
      };
    });
  }
}

function tenantsAt(ids: ReadonlySet<string>): RecordId[] {
  return Array.from(ids, (id): RecordId => ({ kind: 'tenant', id }));
}

function zip<Value>(keys: Iterable<string>, values: readonly Value[]): Map<string, Value> {
  let index = 0;
  const map = new Map<string, Value>();
  for (const key of keys) map.set(key, values[index++] as Value);
  return map;
}
