import { checkHistory, type HistoryRecord, type Violation } from '../history/check-history.js';
import { type MistakeName, mistakeOf } from './mistakes.js';
import { Random } from './random.js';
import { REAL_PARTS, Run } from './run.js';
import { Script } from './script.js';

export interface Simulated {
  history: readonly HistoryRecord[];
  /** Restrictions that were called enforced. */
  revocations: number;
  verifications: number;
  violations: Violation[];
}

/**
 * Plays the run of a seed with the state machines that production runs, and checks its history. The same seed and
 * mistake give the same history always.
 */
export function simulate(seed: number, mistakeName?: MistakeName): Simulated {
  const mistake = mistakeName === undefined ? undefined : mistakeOf(mistakeName);
  const run = new Run(new Random(seed), { ...REAL_PARTS, ...mistake?.parts }, mistake?.bias ?? {});
  const script = new Script(run);
  script.play();
  const { history } = script;
  return {
    history,
    revocations: history.filter((record) => record.type === 'restrict' && record.enforcedAt !== undefined)
      .length,
    verifications: history.filter(({ type }) => type === 'verify').length,
    violations: checkHistory(history),
  };
}

/** A violation with what was done to its subject, and what its verifier answered about it, by time. */
export function describeViolation(
  { rule, says, subject, record }: Violation,
  history: readonly HistoryRecord[],
): string {
  const concerned = history.filter((other) =>
    other.type === 'verify'
      ? other === record || (other.verifier === record.verifier && other.refusedFor === subject)
      : other.subject === subject,
  );
  const lines = concerned
    .toSorted((one, other) => one.invokedAt - other.invokedAt)
    .map((other) => `${other === record ? '>' : ' '} ${JSON.stringify(other)}`);
  return [`rule ${rule}, ${subject}: ${says}`, ...lines].join('\n');
}
