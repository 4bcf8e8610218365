import type { SealedRecord } from '#libs/contracts';
import type { KeyView, RecordId } from '#libs/key-view';
import type { ReadThrough, UnsoundRecords } from './read-through.js';
import type { KnownCredential } from './verdict.js';
import type { SoundRecords } from './sound-records.js';

/** What is known of a digest, or what stands in the view in the place of it. */
type Lookup = KnownCredential | UnsoundRecords;

/** Finds what is known of digests: in the view, and where that has no sound answer, at key-management. */
export class CredentialRecords {
  constructor(
    private readonly view: KeyView,
    private readonly sound: SoundRecords,
    private readonly readThrough: ReadThrough,
  ) {}

  /**
   * What is known of one digest, undefined where no key ever had it. One round trip to the view where the digest's
   * tenant is remembered, else two. Throws the rejection UNAVAILABLE where neither view nor authority can answer.
   */
  async find(digest: string, caller: string): Promise<KnownCredential | undefined> {
    let lookup: Lookup;
    try {
      const tenantId = this.sound.tenantIdOf(digest);
      const ids = tenantId === undefined ? [secretAt(digest)] : [secretAt(digest), tenantAt(tenantId)];
      const [sealedSecret, sealedTenant] = await this.view.find(ids);
      const secret = sealedSecret && this.sound.secret(digest, sealedSecret);
      lookup = this.joined(
        digest,
        sealedSecret,
        secret === undefined || secret.tenantId === tenantId
          ? sealedTenant
          : (await this.view.find([tenantAt(secret.tenantId)]))[0],
      );
    } catch {
      // Without the view the authority is asked: slower and capped, but never a wrong "no such key".
      return this.readThrough.find(digest, caller, 'away');
    }
    return isKnown(lookup) ? lookup : this.readThrough.find(digest, caller, lookup);
  }

  /** As {@link find}, for many digests at once and in their order. */
  async findAll(digests: readonly string[], caller: string): Promise<(KnownCredential | undefined)[]> {
    let lookups: Lookup[];
    try {
      lookups = await this.lookUpAll(digests);
    } catch {
      return Promise.all(digests.map((digest) => this.readThrough.find(digest, caller, 'away')));
    }
    return Promise.all(
      lookups.map(async (lookup, index) =>
        isKnown(lookup) ? lookup : this.readThrough.find(digests[index] as string, caller, lookup),
      ),
    );
  }

  private async lookUpAll(digests: readonly string[]): Promise<Lookup[]> {
    const remembered = new Set<string>();
    for (const digest of digests) {
      const tenantId = this.sound.tenantIdOf(digest);
      if (tenantId !== undefined) remembered.add(tenantId);
    }
    const found = await this.view.find([...digests.map(secretAt), ...Array.from(remembered, tenantAt)]);
    const tenants = new Map<string, SealedRecord | undefined>();
    let next = digests.length;
    for (const tenantId of remembered) tenants.set(tenantId, found[next++]);

    const unseen = new Set<string>();
    digests.forEach((digest, index) => {
      const sealed = found[index];
      const secret = sealed && this.sound.secret(digest, sealed);
      if (secret !== undefined && !tenants.has(secret.tenantId)) unseen.add(secret.tenantId);
    });
    const unseenIds = [...unseen];
    const more = await this.view.find(unseenIds.map(tenantAt));
    unseenIds.forEach((tenantId, index) => tenants.set(tenantId, more[index]));

    return digests.map((digest, index) => {
      const sealed = found[index];
      const secret = sealed && this.sound.secret(digest, sealed);
      return this.joined(digest, sealed, secret && tenants.get(secret.tenantId));
    });
  }

  /** Opens both records. */
  private joined(
    digest: string,
    sealedSecret: SealedRecord | undefined,
    sealedTenant: SealedRecord | undefined,
  ): Lookup {
    const secret = sealedSecret && this.sound.secret(digest, sealedSecret);
    if (secret === undefined) return { unsoundSecret: sealedSecret, unsoundTenant: undefined };
    const tenant = sealedTenant && this.sound.tenant(secret.tenantId, sealedTenant);
    if (tenant === undefined) return { unsoundSecret: undefined, unsoundTenant: sealedTenant };
    return { secret, tenant };
  }
}

function isKnown(lookup: Lookup): lookup is KnownCredential {
  return 'secret' in lookup;
}

function secretAt(id: string): RecordId {
  return { kind: 'secret', id };
}

function tenantAt(id: string): RecordId {
  return { kind: 'tenant', id };
}
