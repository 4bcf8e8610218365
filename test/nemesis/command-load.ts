import type { Chance } from './chance.js';
import type { Commands, Done } from './commands.js';
import { subjectOfKey, subjectOfScope, subjectOfSecret, subjectOfTenant } from './history-records.js';
import {
  type Credential,
  type NemesisKey,
  type NemesisTenant,
  type Population,
  SCOPE,
} from './population.js';

export interface CommandLoadOptions {
  readonly keysMin: number;
  readonly tenantsMin: number;
  readonly perSecond: number;
  /** How long a tenant stays suspended at most. */
  readonly suspendedMs: number;
  /** Called in the instant in which a restriction was answered: of the scope, or of all else about these. */
  onRestricted(credentials: readonly Credential[], ofScope: boolean): void;
}

/** While the authority is away commands pile up; beyond these no more are given. */
const IN_FLIGHT_MAX = 60;
/** A suspended tenant's keys are verified at once by every verifier: so many of them. */
const PROBED_KEYS = 4;
const SETUP_IN_FLIGHT = 8;
const SUSPENDED_AT_ONCE_MAX = 2;

/** Tenants and keys that are made, changed and restricted without end, each by one command at a time. */
export class CommandLoad {
  private readonly running = new Set<Promise<void>>();
  private timer: NodeJS.Timeout | undefined;
  private tenantNumber = 0;
  private tenantsInMaking = 0;

  constructor(
    private readonly commands: Commands,
    private readonly population: Population,
    private readonly chance: Chance,
    private readonly options: CommandLoadOptions,
  ) {}

  /** Makes the tenants and keys that there are at least. */
  async prepare(): Promise<void> {
    while (this.population.tenants.length < this.options.tenantsMin) await this.makeTenant();
    const work = async () => {
      while (this.population.activeCount < this.options.keysMin) await this.makeKey();
    };
    await Promise.all(Array.from({ length: SETUP_IN_FLIGHT }, work));
  }

  start(): void {
    this.timer = setInterval(() => {
      if (this.running.size >= IN_FLIGHT_MAX) return;
      const work = this.next();
      this.running.add(work);
      void work.finally(() => this.running.delete(work));
    }, 1000 / this.options.perSecond);
  }

  /** No new ones; resolves when all are answered and no tenant is suspended. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    while (this.running.size > 0) await Promise.all(this.running);
  }

  private next(): Promise<void> {
    const clear = this.population.tenants.filter(({ unclear }) => !unclear).length + this.tenantsInMaking;
    if (clear < this.options.tenantsMin) return this.makeTenant();
    const idle = this.population.idleKeys();
    if (this.population.activeCount < this.options.keysMin || idle.length === 0) {
      if (this.chance.happens(0.5) || idle.length === 0) return this.makeKey();
    }
    const tenants = this.population.idleTenants();
    const suspended = this.population.tenants.filter((tenant) => tenant.suspended || tenant.busy);
    const mayTakeTenant = suspended.length < SUSPENDED_AT_ONCE_MAX && tenants.length > 0;
    if (mayTakeTenant && this.chance.happens(0.12)) return this.suspendAndResume(this.chance.pick(tenants));
    const key = this.chance.pick(idle);
    const kind = this.chance.next();
    if (kind < 0.55) return this.alone(key, () => this.revoke(key));
    if (kind < 0.68) return this.alone(key, () => this.rotateAtOnce(key));
    if (kind < 0.8) return this.alone(key, () => this.rotateWithGrace(key));
    return this.alone(key, () => this.changeScopes(key));
  }

  private async alone(key: NemesisKey, work: () => Promise<unknown>): Promise<void> {
    key.busy = true;
    // What became of a command that was never answered is not known: nothing more is done with its key.
    if ((await work()) !== undefined) key.busy = false;
  }

  private async makeTenant(): Promise<void> {
    this.tenantNumber += 1;
    this.tenantsInMaking += 1;
    const tenantId = `tenant-${this.tenantNumber}`;
    const done = await this.commands.give({
      command: 'register',
      effect: 'none',
      subject: subjectOfTenant(tenantId),
      method: 'PUT',
      path: `/v1/tenants/${tenantId}`,
      body: { name: tenantId, maxActiveKeys: 100_000 },
      doneOnce: true,
    });
    this.tenantsInMaking -= 1;
    if (done !== undefined) this.population.addTenant(tenantId);
  }

  private async makeKey(): Promise<void> {
    const tenant = this.chance.pick(this.population.tenants);
    const done = await this.commands.give({
      command: 'create',
      effect: 'none',
      subject: '',
      method: 'POST',
      path: `/v1/tenants/${tenant.tenantId}/keys`,
      body: { name: 'nemesis', environment: 'live', scopes: ['read', SCOPE] },
      doneOnce: true,
    });
    // A repeated answer does not show the secret again.
    if (done?.body.secret) this.population.addKey(tenant, done.body.key.id, done.body.secret);
  }

  private async revoke(key: NemesisKey): Promise<Done | undefined> {
    const shown = this.shownOf(key);
    const done = await this.commands.give({
      ...onKey(key, 'revoke'),
      command: 'revoke',
      effect: 'restrict',
      subject: subjectOfKey(key.keyId),
      body: { reason: 'nemesis' },
      ...this.preference(),
    });
    if (done !== undefined) {
      this.options.onRestricted(shown, false);
      this.population.keyRevoked(key);
    }
    return done;
  }

  private async rotateAtOnce(key: NemesisKey): Promise<Done | undefined> {
    const shown = this.shownOf(key);
    const [{ generation }] = shown;
    const done = await this.commands.give({
      ...onKey(key, 'rotate'),
      command: 'rotateAtOnce',
      effect: 'restrict',
      subject: subjectOfSecret(key.keyId, generation),
      body: { graceSeconds: 0 },
    });
    if (done !== undefined) this.options.onRestricted(shown, false);
    return this.rotated(key, done);
  }

  private async rotateWithGrace(key: NemesisKey): Promise<Done | undefined> {
    const shown = this.shownOf(key);
    const [{ generation }] = shown;
    const done = await this.commands.give({
      ...onKey(key, 'rotate'),
      command: 'rotateWithGrace',
      effect: 'none',
      subject: subjectOfKey(key.keyId),
      body: { graceSeconds: 86_400 },
    });
    if (done === undefined) return undefined;
    const retired = await this.commands.give({
      ...onKey(key, 'retire-previous-secret'),
      command: 'retirePrevious',
      effect: 'restrict',
      subject: subjectOfSecret(key.keyId, generation),
      body: {},
      ...this.preference(),
    });
    if (retired === undefined) return undefined;
    this.options.onRestricted(shown, false);
    return this.rotated(key, done);
  }

  /** A secret whose answer was lost is shown to nobody, but the key goes on with the next one only if it is known. */
  private rotated(key: NemesisKey, done: Done | undefined): Done | undefined {
    if (!done?.body.secret) return undefined;
    const { generation } = key.credentials.at(-1) as Credential;
    key.credentials.push({ key, generation: generation + 1, secret: done.body.secret });
    return done;
  }

  private async changeScopes(key: NemesisKey): Promise<Done | undefined> {
    const widens = !key.hasScope;
    const shown = this.shownOf(key);
    const done = await this.commands.give({
      command: widens ? 'addScope' : 'removeScope',
      effect: widens ? 'widen' : 'restrict',
      subject: subjectOfScope(key.keyId, SCOPE),
      method: 'PATCH',
      path: pathOf(key),
      body: { scopes: widens ? ['read', SCOPE] : ['read'] },
      ...aboutKey(key),
    });
    if (done === undefined) return undefined;
    key.hasScope = widens;
    if (!widens) this.options.onRestricted(shown, true);
    return done;
  }

  private async suspendAndResume(tenant: NemesisTenant): Promise<void> {
    tenant.busy = true;
    const path = `/v1/tenants/${tenant.tenantId}`;
    const shown = this.population.credentialsOf(tenant, PROBED_KEYS);
    const common = {
      subject: subjectOfTenant(tenant.tenantId),
      method: 'POST',
      changes: 'tenant',
      doneOnce: false,
      onRevision(revision: string) {
        for (const { key } of shown) key.revision = revision;
      },
    } as const;
    for (const credential of shown) this.population.watch(credential);
    tenant.suspended = true;
    const suspended = await this.commands.give({
      ...common,
      command: 'suspend',
      effect: 'restrict',
      path: `${path}/suspend`,
      body: { reason: 'nemesis' },
      ...this.preference(),
    });
    if (suspended !== undefined) this.options.onRestricted(shown, false);
    await new Promise((resolve) => setTimeout(resolve, this.chance.between(0, this.options.suspendedMs)));
    const resumed = await this.commands.give({
      ...common,
      command: 'resume',
      effect: 'widen',
      path: `${path}/resume`,
      body: { reason: 'nemesis' },
    });
    tenant.suspended = resumed === undefined;
    tenant.unclear = suspended?.uncertain !== false || resumed?.uncertain !== false;
    tenant.busy = false;
  }

  /** The key's latest secret, which verifiers are now asked about more often. */
  private shownOf(key: NemesisKey): [Credential] {
    const credential = key.credentials.at(-1) as Credential;
    this.population.watch(credential);
    return [credential];
  }

  private preference(): { prefer?: string } {
    const kind = this.chance.next();
    if (kind < 0.1) return { prefer: 'respond-async' };
    return kind < 0.2 ? { prefer: 'wait=1' } : {};
  }
}

function onKey(key: NemesisKey, action: string) {
  return { method: 'POST', path: `${pathOf(key)}/${action}`, ...aboutKey(key) } as const;
}

function aboutKey(key: NemesisKey) {
  const onRevision = (revision: string) => void (key.revision = revision);
  return { changes: 'key', doneOnce: true, onRevision } as const;
}

function pathOf({ keyId, tenant }: NemesisKey): string {
  return `/v1/tenants/${tenant.tenantId}/keys/${keyId}`;
}
