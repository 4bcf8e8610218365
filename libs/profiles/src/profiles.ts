import type { Profile } from './profile.js';

/** The profile of tenants that were registered without one, and of every host that no other names. */
export const DEFAULT_PROFILE = 'default';

/** The products of one deployment, by name and by host. */
export class Profiles {
  private readonly byName: ReadonlyMap<string, Profile>;
  private readonly byHost: ReadonlyMap<string, Profile>;

  constructor(readonly all: readonly Profile[]) {
    this.byName = new Map(all.map((profile) => [profile.name, profile]));
    this.byHost = new Map(all.flatMap((profile) => profile.hosts.map((host) => [host, profile] as const)));
  }

  /** The default one. */
  get fallback(): Profile {
    return this.byName.get(DEFAULT_PROFILE) as Profile;
  }

  get names(): string[] {
    return this.all.map(({ name }) => name);
  }

  /** Undefined where there is none of that name. */
  named(name: string): Profile | undefined {
    return this.byName.get(name);
  }

  /** Whose product the Host header (`name[:port]`) asks for: undefined where no profile answers for it. */
  ofHost(header: string | undefined): Profile | undefined {
    return this.byHost.get(hostName(header ?? '')) ?? this.byHost.get('*');
  }
}

/** Lower case, without port and without the dot of the root; an IPv6 address keeps its brackets. */
function hostName(header: string): string {
  return header.toLowerCase().replace(/:\d*$/, '').replace(/\.$/, '');
}
