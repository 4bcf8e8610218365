import type { Run } from './run.js';
import type { FaultName } from './scenario.js';

/** What goes wrong for a while, around a moment at which somebody restricts something. */
type Fault = (run: Run) => void;

/** Process pauses, milliseconds. */
const PAUSE_MS_MIN = 50;
const PAUSE_MS_MAX = 6000;
/** A shorter suspension is not told from two clocks that are read one after the other. */
const SUSPENSION_MS_MIN = 150;

export const FAULTS: Record<FaultName, Fault> = {
  cutVerifier: (run) => {
    const { random, network } = run;
    const { host } = random.pick(run.verifiers);
    const cut = random.chance(0.7) ? run.replicas : [random.pick(run.replicas)];
    const ways = random.pick([
      [true, true],
      [true, false],
      [false, true],
    ] as const);
    const forMs = partitionMs(run);
    for (const replica of cut) {
      if (ways[0]) network.cut(host, replica.host, forMs);
      if (ways[1]) network.cut(replica.host, host, forMs);
    }
  },
  cutReplica: (run) => {
    run.network.cut(run.random.pick(run.replicas).host, run.databaseHost, partitionMs(run));
  },
  pauseVerifier: (run) => run.random.pick(run.verifiers).host.pause(pauseMs(run)),
  pauseReplica: (run) => run.random.pick(run.replicas).host.pause(pauseMs(run)),
  pauseDatabase: (run) => run.databaseHost.pause(pauseMs(run)),
  suspendVerifier: (run) => {
    run.random.pick(run.verifiers).host.suspend(run.random.anyScale(SUSPENSION_MS_MIN, partitionMsMax(run)));
  },
  suspendReplica: (run) => run.random.pick(run.replicas).host.suspend(pauseMs(run)),
  killVerifier: (run) => {
    const verifier = run.random.pick(run.verifiers);
    verifier.die();
    run.world.after(pauseMs(run), () => verifier.begin());
  },
  restartVerifier: (run) => {
    const verifier = run.random.pick(run.verifiers);
    verifier.end();
    run.world.after(PAUSE_MS_MIN, () => verifier.begin());
  },
  killReplica: (run) => {
    const replica = run.random.pick(run.replicas);
    replica.host.die();
    run.world.after(pauseMs(run), () => replica.begin());
  },
  killDatabase: (run) => {
    run.databaseHost.die();
    run.databaseHost.revive();
    run.database.die();
    run.databaseHost.pause(run.random.anyScale(PAUSE_MS_MIN, 1000));
  },
  failOverDatabase: (run) => {
    FAULTS.killDatabase(run);
    run.database.beginEpoch();
  },
  restoreDatabase: (run) => {
    FAULTS.killDatabase(run);
    run.database.restore();
  },
  changeLease: (run) => {
    const { random, scenario } = run;
    const replica = random.pick(run.replicas);
    const leaseMs = scenario.leaseMs * random.anyScale(0.2, 1.5);
    replica.host.at(run.world.now, () => replica.host.start(replica.changeLease(leaseMs)));
  },
  flushStore: (run) => run.store.flush(),
  failOverStore: (run) => run.store.failOver(),
  storeAway: (run) => run.store.stayAway(partitionMs(run)),
};

/** As long as twice what a verifier may serve: else the end of a lease is never reached. */
function partitionMsMax({ scenario }: Run): number {
  return 2 * (scenario.leaseMs + scenario.serveStaleMaxMs);
}

function partitionMs(run: Run): number {
  const mostMs = partitionMsMax(run);
  return run.random.chance(0.5)
    ? run.random.between(mostMs / 2, mostMs)
    : run.random.anyScale(PAUSE_MS_MIN, mostMs);
}

function pauseMs({ random }: Run): number {
  return random.anyScale(PAUSE_MS_MIN, PAUSE_MS_MAX);
}
