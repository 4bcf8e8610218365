import type { Chance } from './chance.js';

/** The scope that keys are given and that is taken from them again. */
export const SCOPE = 'write';

/** A secret that verifiers are shown. */
export interface Credential {
  readonly key: NemesisKey;
  readonly generation: number;
  readonly secret: string;
}

export interface NemesisKey {
  readonly keyId: string;
  readonly tenant: NemesisTenant;
  /** Of every secret it has and had. */
  readonly credentials: Credential[];
  hasScope: boolean;
  revoked: boolean;
  /** The latest that an answer about it, or about its tenant, carried. */
  revision?: string;
  /** A command about it is on its way: another one would make its history harder to judge. */
  busy: boolean;
}

export interface NemesisTenant {
  readonly tenantId: string;
  suspended: boolean;
  busy: boolean;
  /** A command about it was never answered: whether it is suspended is not known for ever. */
  unclear: boolean;
}

/** So many of the latest restrictions are verified more often than the rest. */
const RECENT_MAX = 60;
/** Revoked keys beyond these are verified no more. */
const REVOKED_MAX = 200;

/** The tenants and keys of a run, as far as is known from the answers to its commands. */
export class Population {
  readonly tenants: NemesisTenant[] = [];
  private active: NemesisKey[] = [];
  private revoked: NemesisKey[] = [];
  private recent: Credential[] = [];

  constructor(private readonly chance: Chance) {}

  addTenant(tenantId: string): NemesisTenant {
    const tenant = { tenantId, suspended: false, busy: false, unclear: false };
    this.tenants.push(tenant);
    return tenant;
  }

  addKey(tenant: NemesisTenant, keyId: string, secret: string): void {
    const key: NemesisKey = {
      keyId,
      tenant,
      credentials: [],
      hasScope: true,
      revoked: false,
      busy: false,
    };
    key.credentials.push({ key, generation: 1, secret });
    this.active.push(key);
  }

  get activeCount(): number {
    return this.active.length;
  }

  /** Keys that a command may be given about. */
  idleKeys(): NemesisKey[] {
    return this.active.filter(({ busy }) => !busy);
  }

  /** Tenants that may be suspended. */
  idleTenants(): NemesisTenant[] {
    return this.tenants.filter(({ busy, unclear, suspended }) => !busy && !unclear && !suspended);
  }

  /** Verifiers are asked about it more often from now on. */
  watch(credential: Credential): void {
    this.recent = [...this.recent, credential].slice(-RECENT_MAX);
  }

  keyRevoked(key: NemesisKey): void {
    key.revoked = true;
    this.active = this.active.filter((other) => other !== key);
    this.revoked = [...this.revoked, key].slice(-REVOKED_MAX);
  }

  /** A secret to verify: often one whose key has just been restricted, else any. */
  credentialToVerify(): Credential {
    if (this.recent.length > 0 && this.chance.happens(0.4)) return this.chance.pick(this.recent);
    const keys = this.revoked.length > 0 && this.chance.happens(0.1) ? this.revoked : this.active;
    return this.chance.pick(this.chance.pick(keys).credentials);
  }

  /** One of a tenant's, at random. */
  credentialsOf(tenant: NemesisTenant, count: number): Credential[] {
    const keys = this.active.filter((key) => key.tenant === tenant);
    return this.chance
      .shuffled(keys)
      .slice(0, count)
      .flatMap(({ credentials }) => credentials.at(-1) ?? []);
  }

  /** The latest secret of every key that is verified at all. */
  allCredentials(): Credential[] {
    return [...this.active, ...this.revoked].flatMap(({ credentials }) => credentials.at(-1) ?? []);
  }
}
