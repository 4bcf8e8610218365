import { FenceVerifier } from '../fence-verifier.js';
import { AuthorityHost } from './authority-host.js';
import type { Stored } from './command.js';
import { Database } from './database.js';
import { LeaseKeeper } from './lease-keeper.js';
import { Network } from './network.js';
import type { Random } from './random.js';
import { RecordStore } from './record-store.js';
import { type Bias, clockOf, type Scenario, scenarioOf } from './scenario.js';
import { Transactions } from './transactions.js';
import { VerifierHost, type VerifierParts } from './verifier-host.js';
import { Host, World } from './world.js';

/** What a run is made of; a deliberate mistake puts something else in the place of one of them. */
export interface Parts extends VerifierParts {
  VerifierHost: new (...args: ConstructorParameters<typeof VerifierHost>) => VerifierHost;
  AuthorityHost: new (...args: ConstructorParameters<typeof AuthorityHost>) => AuthorityHost;
  Database: new (...args: ConstructorParameters<typeof Database>) => Database;
}

export const REAL_PARTS: Parts = { FenceVerifier, LeaseKeeper, VerifierHost, AuthorityHost, Database };

/** One seed's world: who is in it, before anything happens. */
export class Run {
  readonly world: World;
  readonly scenario: Scenario;
  readonly network: Network;
  readonly databaseHost: Host;
  readonly database: Database;
  readonly store: RecordStore;
  readonly replicas: AuthorityHost[];
  readonly verifiers: VerifierHost[];
  /** Subjects. */
  readonly keys: string[];
  readonly tenants: string[];
  private hosts = 0;

  constructor(
    readonly random: Random,
    parts: Parts,
    readonly bias: Bias,
  ) {
    this.world = new World(random);
    this.scenario = scenarioOf(random, bias);
    const { leaseMs, serveStaleMaxMs, replicas, verifiers, tenants, keys } = this.scenario;
    this.network = new Network(this.world, this.scenario.network);
    this.store = new RecordStore(this.world);
    this.databaseHost = this.newHost();
    const terms = { leaseMs, longestLeaseMs: leaseMs, serveStaleMaxMs };
    this.database = new parts.Database(terms, (stored) => this.project(stored));
    this.tenants = Array.from({ length: tenants }, (_, n) => `tenant-${n}`);
    this.keys = Array.from({ length: keys }, (_, n) => `key-key_${String(n).padStart(30, '0')}`);
    for (const subject of [...this.tenants, ...this.keys]) this.create(subject);
    this.database.fill(this.scenario.oldEntries);
    this.replicas = Array.from({ length: replicas }, () => {
      const { databaseHost, database, network } = this;
      const host = this.newHost();
      const transactions = new Transactions(
        host,
        databaseHost,
        database,
        network,
        this.scenario.slowStatement,
      );
      return new parts.AuthorityHost(host, database, transactions, network);
    });
    this.verifiers = verifiers.map(
      (options) =>
        new parts.VerifierHost(this.newHost(), parts, options, this.network, this.replicas, this.store),
    );
  }

  tenantOf(key: string): string {
    return this.tenants[this.keys.indexOf(key) % this.tenants.length] as string;
  }

  private create(subject: string): void {
    const stored: Stored = {
      subject,
      version: 1 + this.random.below(6),
      revoked: false,
      limited: false,
      lastSeq: 0,
    };
    this.database.create(stored);
    this.store.putIfNewer(stored);
  }

  /** By way of Kafka, for example: late, or never. */
  private project(stored: Stored): void {
    const { random, world, scenario, store } = this;
    if (random.chance(scenario.projectionLost)) return;
    world.at(world.now + random.anyScale(1, scenario.projectionMsMax), () => store.putIfNewer(stored));
  }

  private newHost(): Host {
    this.hosts += 1;
    return new Host(this.world, this.hosts, clockOf(this.random, this.bias.clockRates));
  }
}
