import type { SealedRecord } from '#libs/contracts';
import type { KeyView, RecordId } from '#libs/key-view';
import type { NearCache } from './near-cache.js';
import type { ReadThrough, UnsoundRecords } from './read-through.js';
import type { SoundRecords } from './sound-records.js';
import type { KnownCredential } from './verdict.js';

/** What is known of a digest, or what stands in the view in the place of it. */
type Lookup = KnownCredential | UnsoundRecords;

/**
 * Finds what is known of digests: near by, in the view, and where that has no sound answer, at key-management. How
 * recent it is, who decides must ask the fence.
 */
export class CredentialRecords {
  constructor(
    private readonly near: NearCache,
    /** Absent where no view is shared. */
    private readonly view: KeyView | undefined,
    private readonly sound: SoundRecords,
    private readonly readThrough: ReadThrough,
  ) {}

  /** What is known without asking anyone. */
  nearBy(digest: string): KnownCredential | undefined {
    return this.near.known(digest);
  }

  /** It was found to stand, in this very synchronous block. */
  keep(known: KnownCredential): void {
    this.near.keep(known);
  }

  /** The record of this secret was found to be too old. */
  forget(digest: string): void {
    this.near.forget(digest);
  }

  /**
   * What is known of one digest, undefined where no key ever had it. Throws the rejection UNAVAILABLE where neither view
   * nor authority can answer.
   */
  async find(digest: string, caller: string): Promise<KnownCredential | undefined> {
    const { view } = this;
    if (view === undefined) return this.nearBy(digest) ?? this.readThrough.find(digest, caller, 'away');
    let lookup: Lookup;
    try {
      lookup = await this.lookUp(digest, view);
    } catch {
      // Without the view the authority is asked: slower and capped, but never a wrong "no such key".
      return this.readThrough.find(digest, caller, 'away');
    }
    return isKnown(lookup) ? lookup : this.readThrough.find(digest, caller, lookup);
  }

  /** As {@link find}, for many digests at once and in their order. */
  async findAll(digests: readonly string[], caller: string): Promise<(KnownCredential | undefined)[]> {
    const { view } = this;
    let lookups: (Lookup | 'away')[];
    try {
      lookups =
        view === undefined
          ? digests.map((digest) => this.nearBy(digest) ?? 'away')
          : await this.lookUpAll(digests, view);
    } catch {
      lookups = digests.map(() => 'away');
    }
    return Promise.all(
      lookups.map(async (lookup, index) =>
        isKnown(lookup) ? lookup : this.readThrough.find(digests[index] as string, caller, lookup),
      ),
    );
  }

  /** As {@link find}, as key-management says after every change that has been heard of. */
  async findChanged(digest: string, caller: string): Promise<KnownCredential | undefined> {
    return this.readThrough.findChanged(digest, caller);
  }

  /** As {@link find}, as key-management says now, whatever is known here. */
  async findNow(digest: string, caller: string): Promise<KnownCredential | undefined> {
    return this.readThrough.findNow(digest, caller);
  }

  /** The same with the tenant as key-management says after every change that has been heard of. */
  async withTenantChanged({ secret }: KnownCredential, caller: string): Promise<KnownCredential> {
    return { secret, tenant: await this.readThrough.findTenant(secret.tenantId, caller) };
  }

  private async lookUp(digest: string, view: KeyView): Promise<Lookup> {
    const near = this.near.secret(digest);
    const [sealedSecret] = near === undefined ? await view.find([secretAt(digest)]) : [];
    const secret = near ?? (sealedSecret && this.sound.secret(digest, sealedSecret));
    if (secret === undefined) return { unsoundSecret: sealedSecret, unsoundTenant: undefined };
    const nearTenant = this.near.tenant(secret.tenantId);
    const [sealedTenant] = nearTenant === undefined ? await view.find([tenantAt(secret.tenantId)]) : [];
    const tenant = nearTenant ?? (sealedTenant && this.sound.tenant(secret.tenantId, sealedTenant));
    return tenant === undefined
      ? { unsoundSecret: undefined, unsoundTenant: sealedTenant }
      : { secret, tenant };
  }

  /** At most two round trips for all of them: the secrets that are not near by, then their tenants. */
  private async lookUpAll(digests: readonly string[], view: KeyView): Promise<Lookup[]> {
    const secrets = await this.openAll(
      new Set(digests),
      (digest) => this.near.secret(digest),
      async (ids) => view.find(ids.map(secretAt)),
      (digest, sealed) => this.sound.secret(digest, sealed),
    );
    const tenantIds = new Set<string>();
    for (const { record } of secrets.values()) if (record !== undefined) tenantIds.add(record.tenantId);
    const tenants = await this.openAll(
      tenantIds,
      (tenantId) => this.near.tenant(tenantId),
      async (ids) => view.find(ids.map(tenantAt)),
      (tenantId, sealed) => this.sound.tenant(tenantId, sealed),
    );
    return digests.map((digest) => {
      const { record: secret, sealed: sealedSecret } = secrets.get(digest) ?? {};
      if (secret === undefined) return { unsoundSecret: sealedSecret, unsoundTenant: undefined };
      const { record: tenant, sealed: sealedTenant } = tenants.get(secret.tenantId) ?? {};
      return tenant === undefined
        ? { unsoundSecret: undefined, unsoundTenant: sealedTenant }
        : { secret, tenant };
    });
  }

  private async openAll<Record>(
    ids: ReadonlySet<string>,
    nearBy: (id: string) => Record | undefined,
    find: (ids: string[]) => Promise<(SealedRecord | undefined)[]>,
    open: (id: string, sealed: SealedRecord) => Record | undefined,
  ): Promise<Map<string, { record?: Record | undefined; sealed?: SealedRecord | undefined }>> {
    const opened = new Map<string, { record?: Record | undefined; sealed?: SealedRecord | undefined }>();
    for (const id of ids) opened.set(id, { record: nearBy(id) });
    const absent = [...ids].filter((id) => opened.get(id)?.record === undefined);
    const found = absent.length === 0 ? [] : await find(absent);
    absent.forEach((id, index) => {
      const sealed = found[index];
      opened.set(id, { sealed, record: sealed && open(id, sealed) });
    });
    return opened;
  }
}

function isKnown(lookup: Lookup | 'away'): lookup is KnownCredential {
  return typeof lookup === 'object' && 'secret' in lookup;
}

function secretAt(id: string): RecordId {
  return { kind: 'secret', id };
}

function tenantAt(id: string): RecordId {
  return { kind: 'tenant', id };
}
