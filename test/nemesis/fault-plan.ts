import type { Chance } from './chance.js';
import { type Cut, CUT_DIRECTIONS, CUT_MANNERS } from './cuttable-proxy.js';

/** What is done to whom: processes by their names, servers by what they are. */
export type Fault =
  | { readonly kind: 'pause'; readonly target: string; readonly durationMs: number }
  | { readonly kind: 'partition'; readonly target: string; readonly durationMs: number; readonly cut: Cut }
  | { readonly kind: 'kill'; readonly target: string }
  | { readonly kind: 'killBeforeReply'; readonly target: string }
  | { readonly kind: 'flushRedis' }
  | { readonly kind: 'restartRedis'; readonly durationMs: number }
  | { readonly kind: 'stopKafka'; readonly durationMs: number }
  | { readonly kind: 'restartPostgres'; readonly durationMs: number; readonly how: 'stop' | 'kill' }
  | { readonly kind: 'rollingRestart' };

export type FaultKind = Fault['kind'];

/** A fault, so long after the one before it began. */
export interface PlannedFault {
  readonly afterMs: number;
  readonly fault: Fault;
}

/** How often each kind comes in a round; a round has all of them, in an order of its own. */
const ROUND: Readonly<Record<FaultKind, number>> = {
  pause: 7,
  partition: 7,
  kill: 5,
  killBeforeReply: 2,
  flushRedis: 2,
  restartRedis: 1,
  stopKafka: 1,
  restartPostgres: 2,
  rollingRestart: 1,
};

export const FAULT_KINDS = Object.keys(ROUND) as FaultKind[];

export interface FaultTargets {
  readonly verifiers: readonly string[];
  readonly authorities: readonly string[];
  /** Killed too, although no lease depends on them. */
  readonly others: readonly string[];
  /** After how long no lease is left: pauses and partitions last up to half as long again. */
  readonly outlivesMs: number;
  /** How long pauses and partitions last at least, default 50 ms. */
  readonly shortestMs?: number;
  /** Of these kinds alone. */
  readonly kinds?: readonly FaultKind[];
}

/**
 * The faults of a run, without end. They overlap: most begin before the one before is over, and there is time enough
 * between them that a restriction is now and then acknowledged by all.
 */
export function* planFaults(chance: Chance, targets: FaultTargets): Generator<PlannedFault, never> {
  const { kinds = FAULT_KINDS, outlivesMs } = targets;
  const gapMs = 1000 + 0.4 * outlivesMs;
  for (;;) {
    const round = kinds.flatMap((kind) => Array.from({ length: ROUND[kind] }, () => kind));
    for (const kind of chance.shuffled(round)) {
      yield { afterMs: chance.between(0.2, 1.8) * gapMs, fault: faultOf(kind, chance, targets) };
    }
  }
}

function faultOf(kind: FaultKind, chance: Chance, targets: FaultTargets): Fault {
  const { verifiers, authorities, others, outlivesMs, shortestMs = 50 } = targets;
  const passing = () => Math.round(chance.evenlyByOrder(shortestMs, outlivesMs * 1.5));
  // What holds without a lease's end is seen in shorter outages; these end it now and then.
  const outage = () => Math.round(chance.between(0, outlivesMs * 1.2));
  switch (kind) {
    case 'pause':
      // Mostly verifiers: a paused authority is seen by all of them, and by who waits for its answer.
      return {
        kind,
        target: chance.pick(chance.happens(0.8) ? verifiers : authorities),
        durationMs: passing(),
      };
    case 'partition':
      return {
        kind,
        target: chance.pick(verifiers),
        durationMs: passing(),
        cut: { direction: chance.pick(CUT_DIRECTIONS), manner: chance.pick(CUT_MANNERS) },
      };
    case 'kill':
      return { kind, target: chance.pick([...verifiers, ...authorities, ...others]) };
    case 'killBeforeReply':
      return { kind, target: chance.pick(authorities) };
    case 'restartRedis':
    case 'stopKafka':
      return { kind, durationMs: outage() };
    case 'restartPostgres':
      return { kind, durationMs: outage(), how: chance.happens(0.5) ? 'stop' : 'kill' };
    case 'flushRedis':
    case 'rollingRestart':
      return { kind };
    default:
      return kind satisfies never;
  }
}
