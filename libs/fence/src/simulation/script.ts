import type { HistoryRecord, RestrictRecord, VerifyRecord, WidenRecord } from '../history/check-history.js';
import type { CommandOutcome } from './authority-host.js';
import { type Command, scopeOf, subjectOf } from './command.js';
import { FAULTS } from './faults.js';
import type { Run } from './run.js';
import { FAULT_NAMES } from './scenario.js';
import type { Question, VerifierHost } from './verifier-host.js';

/** How often a command is asked for again when no answer came. */
const ATTEMPTS = 4;
const RETRY_MS = 100;
/** When a restriction is called enforced everybody is asked: at once, and so long after, as a part of what a lease lasts. */
const PROBES = [0, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 0.8];
/** Verifications by each verifier in what a lease lasts. */
const ASKED_PER_LEASE = 2;
const WRITES = 0.5;
const AT_LEAST = 0.2;
/** How often a command follows the one before at once. */
const BURST = 0.3;
/** Of how many of the latest records somebody may have heard the token. */
const HEARD = 20;

/** What happens in a run: commands, faults around them, and verifications all the time. */
export class Script {
  readonly history: HistoryRecord[] = [];

  constructor(private readonly run: Run) {}

  play(): void {
    const { random, world, scenario, replicas, verifiers } = this.run;
    for (const replica of replicas) replica.begin();
    for (const verifier of verifiers) verifier.begin();
    const servedMs = scenario.leaseMs + scenario.serveStaleMaxMs;
    let timeMs = scenario.leaseMs / 2;
    for (let n = 0; n < scenario.commands; n += 1) {
      timeMs += random.chance(BURST) ? random.between(0, 60) : servedMs * random.anyScale(0.1, 1.2);
      this.plan(timeMs, servedMs);
    }
    const endMs = timeMs + 1.5 * servedMs + 500;
    for (const verifier of verifiers) this.askNowAndThen(verifier, servedMs / ASKED_PER_LEASE, endMs);
    world.runUntil(endMs);
  }

  private plan(timeMs: number, servedMs: number): void {
    const { run } = this;
    const { random, world } = run;
    const possible = run.bias.faults ?? FAULT_NAMES;
    const target = random.chance(0.3) ? random.pick(run.tenants) : random.pick(run.keys);
    for (let faults = possible.length > 0 ? random.below(4) : 0; faults > 0; faults -= 1) {
      const fault = FAULTS[random.pick(possible)];
      const awayMs = random.anyScale(1, 1.2 * servedMs);
      world.at(random.chance(0.7) ? timeMs - awayMs : timeMs + awayMs, () => fault(run));
    }
    // So that everybody has a record of it.
    world.at(timeMs - servedMs * 0.3 * random.fraction(), () => this.askAll(target));
    world.at(timeMs, () => this.issue(this.drawCommand(target), ATTEMPTS));
  }

  private drawCommand(target: string): Command {
    const { random, database } = this.run;
    if (target.startsWith('key') && random.chance(0.4)) return { does: 'revoke', target };
    return { does: database.recordOf(target).limited ? 'lift' : 'limit', target };
  }

  private issue(command: Command, attempts: number): void {
    const { world, random, replicas, database } = this.run;
    const replica = random.pick(replicas);
    const { host } = replica;
    const invoked = { subject: subjectOf(command), invokedAt: world.now };
    const type = command.does === 'lift' ? 'widen' : 'restrict';
    const record: RestrictRecord | WidenRecord = { type, ...invoked };
    this.history.push(record);
    let answered = false;
    const answer = (outcome: CommandOutcome) => {
      answered = true;
      if (outcome === 'failed' && attempts > 1)
        world.after(RETRY_MS, () => this.issue(command, attempts - 1));
      if (record.type === 'restrict' && record.enforcedAt !== undefined) this.probe(command.target);
    };
    host.at(world.now, () => host.start(replica.command(command, record), answer));
    world.at(world.now + database.outlivesMs * random.between(0.2, 2), () => {
      if (!answered && attempts > 1) this.issue(command, attempts - 1);
    });
  }

  /** Asks after the restriction was called enforced: nobody may allow. */
  private probe(target: string): void {
    const { world, scenario } = this.run;
    const servedMs = scenario.leaseMs + scenario.serveStaleMaxMs;
    for (const part of PROBES) world.at(world.now + 1e-6 + part * servedMs, () => this.askAll(target));
  }

  private askAll(target: string): void {
    for (const verifier of this.run.verifiers) this.ask(verifier, this.questionAbout(target));
  }

  private askNowAndThen(verifier: VerifierHost, everyMs: number, endMs: number): void {
    const { world, random, keys } = this.run;
    if (world.now > endMs) return;
    world.at(world.now + everyMs * 2 * random.fraction(), () => {
      this.ask(verifier, this.questionAbout(random.pick(keys)));
      this.askNowAndThen(verifier, everyMs, endMs);
    });
  }

  private questionAbout(target: string): Question {
    const { random, keys } = this.run;
    const concerned = keys.filter((key) => key === target || this.run.tenantOf(key) === target);
    const key = random.pick(concerned.length > 0 ? concerned : keys);
    return { key, tenant: this.run.tenantOf(key), write: random.chance(WRITES) };
  }

  private ask(verifier: VerifierHost, { key, tenant, write }: Question): void {
    const { world, random } = this.run;
    const { host } = verifier;
    const record: VerifyRecord = {
      type: 'verify',
      verifier: `${host.index}`,
      incarnation: `${host.index}.${host.lives}`,
      invokedAt: world.now,
      returnedAt: world.now,
      verdict: 'NONE',
      subjects: write ? [key, tenant, scopeOf(key)] : [key, tenant],
    };
    const heard = this.history[this.history.length - 1 - random.below(HEARD)]?.revision;
    if (heard !== undefined && random.chance(AT_LEAST)) record.atLeast = heard;
    const question = { key, tenant, write };
    host.at(world.now, () => host.start(verifier.verify(question, record), () => this.history.push(record)));
  }
}
