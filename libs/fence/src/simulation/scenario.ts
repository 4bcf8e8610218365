import { CLOCK_RATE_ERROR } from '../fence-terms.js';
import type { VerifierOptions } from './lease-keeper.js';
import type { NetworkQuality } from './network.js';
import type { Random } from './random.js';

export const FAULT_NAMES = [
  'cutVerifier',
  'cutReplica',
  'pauseVerifier',
  'pauseReplica',
  'pauseDatabase',
  'suspendVerifier',
  'suspendReplica',
  'killVerifier',
  'restartVerifier',
  'killReplica',
  'killDatabase',
  'failOverDatabase',
  'restoreDatabase',
  'changeLease',
  'flushStore',
  'failOverStore',
  'storeAway',
] as const;

export type FaultName = (typeof FAULT_NAMES)[number];

/** What makes one run different from another. */
export interface Scenario {
  leaseMs: number;
  serveStaleMaxMs: number;
  replicas: number;
  verifiers: VerifierOptions[];
  tenants: number;
  keys: number;
  commands: number;
  /** Entries in the log before the run begins. */
  oldEntries: number;
  network: NetworkQuality;
  /** How often a statement of PostgreSQL is slow enough for anything to happen meanwhile. */
  slowStatement: number;
  /** How often a change never comes to Redis by itself. */
  projectionLost: number;
  projectionMsMax: number;
}

/** What a run is to have more of than chance gives, so that what is rare elsewhere is common there. */
export interface Bias {
  /** The allowance beyond the lease, in leases. */
  serveStaleLeases?: number;
  leaseMs?: number;
  renewalsPerLease?: number;
  /** Verifiers of the same id. */
  sharedIds?: boolean;
  nearRecordsMax?: number;
  replicas?: number;
  /** What a machine's clock may do, instead of anything allowed. */
  clockRates?: readonly number[];
  /** The faults that a run may have, instead of all. */
  faults?: readonly FaultName[];
  network?: Partial<NetworkQuality>;
  slowStatement?: number;
  projectionMsMax?: number;
}

export function scenarioOf(random: Random, bias: Bias): Scenario {
  const leaseMs = bias.leaseMs ?? random.anyScale(400, 4000);
  const serveStaleMaxMs =
    leaseMs * (bias.serveStaleLeases ?? random.pick([0, 0, random.fraction(), random.between(1, 6)]));
  const sharedIds = bias.sharedIds ?? random.chance(0.3);
  return {
    leaseMs,
    serveStaleMaxMs,
    replicas: bias.replicas ?? 1 + random.below(3),
    verifiers: Array.from({ length: 2 + random.below(3) }, (_, n) => ({
      verifierId: sharedIds ? 'v' : `v${n}`,
      serveStaleMs: random.pick([serveStaleMaxMs, serveStaleMaxMs, serveStaleMaxMs * random.fraction(), 0]),
      renewEveryMs: leaseMs / (bias.renewalsPerLease ?? 4),
      nearRecordsMax: bias.nearRecordsMax ?? random.pick([100, 100, 0]),
    })),
    tenants: 1 + random.below(2),
    keys: 2 + random.below(3),
    commands: 2 + random.below(4),
    oldEntries: random.chance(0.005) ? 5001 + random.below(5000) : random.below(4),
    network: {
      delayMsMax: random.anyScale(0.5, 20),
      slow: random.pick([0, 0.01, 0.1]),
      lost: random.pick([0, 0.01, 0.1]),
      twice: random.pick([0, 0.05, 0.2]),
      ...bias.network,
    },
    slowStatement: bias.slowStatement ?? random.pick([0.02, 0.1, 0.3]),
    projectionLost: bias.projectionMsMax === undefined ? random.pick([0, 0.2, 1]) : 0,
    projectionMsMax: bias.projectionMsMax ?? random.anyScale(5, 5000),
  };
}

/** A clock of its own time, as wrong as it may be; most often as wrong as it can be. */
export function clockOf(
  random: Random,
  rates: readonly number[] | undefined,
): { startMs: number; rate: number } {
  const most = CLOCK_RATE_ERROR * 0.999;
  const rate = random.pick(rates ?? [1 - most, 1 + most, random.between(1 - most, 1 + most)]);
  return { startMs: random.between(0, 1e7), rate };
}
