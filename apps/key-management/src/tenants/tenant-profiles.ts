import { Rejection } from '#libs/contracts';
import { DEFAULT_PROFILE, type Profile, type Profiles } from '#libs/profiles';
import type { KeyReads } from '../keys/key-reads.js';

/** Tenants whose profile is remembered: some 10 MB of names. */
const REMEMBERED_MAX = 100_000;

/** Which product each tenant belongs to. It never changes, so it is read once. */
export class TenantProfiles {
  private readonly names = new Map<string, string>();

  constructor(
    private readonly reads: Pick<KeyReads, 'tenant'>,
    private readonly profiles: Profiles,
  ) {}

  /** The default one's for a tenant that is not there, of which nothing will be written. */
  async nameOf(tenantId: string): Promise<string> {
    return (await this.find(tenantId)) ?? DEFAULT_PROFILE;
  }

  /** Throws TENANT_NOT_FOUND, and INVALID_REQUEST for a tenant of a profile that this deployment does not have. */
  async of(tenantId: string): Promise<Profile> {
    const name = await this.find(tenantId);
    if (name === undefined) throw new Rejection('TENANT_NOT_FOUND');
    const profile = this.profiles.named(name);
    if (profile !== undefined) return profile;
    throw new Rejection('INVALID_REQUEST', [
      { field: 'tenantId', message: `belongs to the profile ${name}, which this deployment does not have` },
    ]);
  }

  private async find(tenantId: string): Promise<string | undefined> {
    const known = this.names.get(tenantId);
    if (known !== undefined) return known;
    const name = (await this.reads.tenant(tenantId))?.state.profile;
    if (name === undefined) return undefined;
    if (this.names.size >= REMEMBERED_MAX) this.names.clear();
    this.names.set(tenantId, name);
    return name;
  }
}
