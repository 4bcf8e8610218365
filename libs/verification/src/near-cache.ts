import { type FenceEntry, partsOfSubject } from '#libs/fence';
import type { SecretRecord, TenantRecord } from '#libs/key-view';
import { BoundedMap } from './bounded-map.js';
import type { RememberedMisses } from './remembered-misses.js';
import type { KnownCredential } from './verdict.js';

/**
 * What was verified lately, to answer from without asking anyone: opened records of secrets and of tenants. Who keeps a
 * record here has just found it to stand above its floors, in the same synchronous block; so nothing that was read
 * before a change is kept after it.
 *
 * A change of a tenant, or of a secret that came from elsewhere, is forgotten at once. A change of a key leaves the
 * records of its secrets here: the floor that came with it is above them, and who meets one that is too old to use
 * calls {@link forget}. To find them by key would take an index as large as all else here, and the record of a revoked
 * key is still good to name it by.
 */
export class NearCache {
  private secrets: BoundedMap<string, SecretRecord>;
  private tenants: BoundedMap<string, TenantRecord>;
  private heard = 0;

  constructor(
    /** Most records of secrets, and as many of tenants; 0: none. */
    private readonly recordsMax: number,
    private readonly misses: RememberedMisses,
  ) {
    this.secrets = new BoundedMap(recordsMax);
    this.tenants = new BoundedMap(recordsMax);
  }

  /** Grows with every change that is heard of: an answer that was asked for before may not know the change. */
  get changes(): number {
    return this.heard;
  }

  /** Both records, where both are here. */
  known(digest: string): KnownCredential | undefined {
    const secret = this.secrets.get(digest);
    const tenant = secret && this.tenants.get(secret.tenantId);
    return tenant && { secret: secret as SecretRecord, tenant };
  }

  secret(digest: string): SecretRecord | undefined {
    return this.secrets.get(digest);
  }

  tenant(tenantId: string): TenantRecord | undefined {
    return this.tenants.get(tenantId);
  }

  keep({ secret, tenant }: KnownCredential): void {
    if (this.recordsMax === 0) return;
    this.secrets.set(secret.digest, secret);
    this.tenants.set(tenant.tenantId, tenant);
  }

  /** The secret's record was found to be too old to use. */
  forget(digest: string): void {
    this.secrets.delete(digest);
  }

  /** Takes an entry of the fence log as it is applied. */
  evict({ subject }: Pick<FenceEntry, 'subject'>): void {
    this.heard += 1;
    const { noun, id } = partsOfSubject(subject);
    if (noun === 'tenant') this.tenants.delete(id);
    if (noun === 'secret') this.misses.forget(id);
  }

  /** Nothing that is known holds any more. */
  clear(): void {
    this.heard += 1;
    this.secrets = new BoundedMap(this.recordsMax);
    this.tenants = new BoundedMap(this.recordsMax);
    this.misses.clear();
  }
}
