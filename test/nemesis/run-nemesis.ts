import { writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { outlivesMs } from '#libs/fence';
import { Chance } from './chance.js';
import { CommandLoad } from './command-load.js';
import { Commands } from './commands.js';
import { type Deployment, startDeployment } from './deployment.js';
import { type FaultTargets, planFaults } from './fault-plan.js';
import { Faults } from './faults.js';
import { HistoryWriter } from './history-file.js';
import { Population } from './population.js';
import { untilRecovered } from './recovery.js';
import { VerifyLoad } from './verify-load.js';

export interface NemesisOptions {
  /** Where the history goes; what the services print goes beside it. */
  readonly historyPath: string;
  readonly seed: number;
  /** How long faults go on, from when the first one may come. */
  readonly minutes: number;
  readonly leaseMs: number;
  readonly serveStaleMs: number;
  /** Narrows the plan of faults. */
  readonly plan?: Pick<FaultTargets, 'kinds' | 'shortestMs'>;
  /** The negative control: a deliberate mistake that the history must show. */
  readonly neverLapsing?: boolean;
  /** Ends the run early, and in order. */
  readonly signal?: AbortSignal;
  say(line: string): void;
}

const KEYS_MIN = 320;
const TENANTS_MIN = 8;
const COMMANDS_PER_SECOND = 4;
const FAULTS_AT_ONCE_MAX = 5;
/** Beyond the longest wait for a restriction. */
const ANSWER_MARGIN_MS = 5000;

/** One run: real processes on real servers under load while faults come. What it saw is in the history alone. */
export async function runNemesis(options: NemesisOptions): Promise<void> {
  const { seed, leaseMs, serveStaleMs, say } = options;
  const longestMs = outlivesMs(options);
  const history = new HistoryWriter(options.historyPath);
  let deployment: Deployment | undefined;
  let verifying: VerifyLoad | undefined;
  try {
    deployment = await startDeployment({
      environment: {
        LATCHKEY_LOG_LEVEL: 'warn',
        LATCHKEY_FENCE_LEASE_MS: String(leaseMs),
        LATCHKEY_FENCE_SERVE_STALE_MAX_MS: String(serveStaleMs),
        LATCHKEY_SERVE_STALE_MS: String(serveStaleMs),
        LATCHKEY_ON_LAPSE: serveStaleMs > 0 ? 'serveStale' : 'deny',
      },
      neverLapsing: options.neverLapsing === true,
      onUnexpectedEnd: (name) =>
        history.write({ type: 'wrong', at: history.now(), what: `${name} ended by itself` }),
    });
    history.write({
      type: 'run',
      seed,
      leaseMs,
      serveStaleMs,
      verifiers: deployment.verifiers.map(({ name }) => name),
      startedAt: new Date().toISOString(),
    });
    const chance = new Chance(seed);
    const population = new Population(new Chance(chance.between(0, 2 ** 32)));
    const verifiers = deployment.verifiers.map((verifier) => verifier.connect());
    const load = new VerifyLoad(verifiers, population, new Chance(chance.between(0, 2 ** 32)), history);
    verifying = load;
    const commands = new Commands(
      deployment.authorities.map(({ httpUrl }) => httpUrl),
      deployment.operatorToken,
      history,
      longestMs + ANSWER_MARGIN_MS,
    );
    const commanding = new CommandLoad(commands, population, new Chance(chance.between(0, 2 ** 32)), {
      keysMin: KEYS_MIN,
      tenantsMin: TENANTS_MIN,
      perSecond: COMMANDS_PER_SECOND,
      suspendedMs: longestMs,
      onRestricted: (credentials, ofScope) => load.probe(credentials, ofScope),
    });
    await commanding.prepare();
    say(
      `${population.activeCount} keys of ${population.tenants.length} tenants, ${verifiers.length} verifiers`,
    );
    history.write({ type: 'underLoad', at: history.now() });
    load.start();
    commanding.start();

    const faults = new Faults(deployment, history);
    await injectFaults(faults, deployment, chance, options);
    await faults.over();
    const settled = await untilRecovered({
      commanding,
      commands,
      verifying: load,
      verifiers,
      population,
    });
    for (const what of settled) history.write({ type: 'wrong', at: history.now(), what });
    await load.stop();
    history.write({ type: 'end', at: history.now() });
    for (const verifier of verifiers) verifier.close();
  } finally {
    await verifying?.stop();
    if (deployment !== undefined)
      writeFileSync(`${options.historyPath}.log`, `${deployment.output().join('\n')}\n`);
    await deployment?.stop();
    await history.close();
  }
}

async function injectFaults(
  faults: Faults,
  { verifiers, authorities, usage }: Deployment,
  chance: Chance,
  options: NemesisOptions,
): Promise<void> {
  const untilMs = performance.now() + options.minutes * 60_000;
  const plan = planFaults(chance, {
    verifiers: verifiers.map(({ name }) => name),
    authorities: authorities.map(({ name }) => name),
    others: [usage.name],
    outlivesMs: outlivesMs(options),
    ...options.plan,
  });
  let failure: unknown;
  for (const { afterMs, fault } of plan) {
    const leftMs = untilMs - performance.now();
    await delay(Math.min(afterMs, Math.max(leftMs, 0)), undefined, {
      ...(options.signal && { signal: options.signal }),
    }).catch(() => undefined);
    if (leftMs <= afterMs || options.signal?.aborted === true) break;
    if (failure !== undefined) throw failure;
    // Where the machine is too slow to bring them back as fast as planned, they come later.
    if (faults.count >= FAULTS_AT_ONCE_MAX) await faults.fewer();
    options.say(
      `${((options.minutes * 60_000 - leftMs + afterMs) / 1000).toFixed(1)} s  ${JSON.stringify(fault)}`,
    );
    faults.inject(fault).catch((error: unknown) => (failure = error));
  }
}
