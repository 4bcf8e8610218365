import type { Committed } from './fenced-changes.js';
import type { Enforcements, EnforcementState } from './enforcements.js';
import type { FenceLedger } from './fence-ledger.js';
import type { Revisions } from './revisions.js';

/** What a change of an existing key or tenant is answered with, besides the key or tenant itself. */
export type EnforcementAnswer =
  | {
      status: 'enforced';
      revision: string;
      via: 'acks' | 'leaseExpiry';
      waitedMs: number;
      verifiers: { acked: number; expired: number };
    }
  /** `enforcedBy` is absent where nothing is waited for. */
  | { status: 'committed'; revision: string; enforcedBy?: string };

/** Long enough to look at the leases once, seconds. */
const LOOK_SECONDS = 0.1;

/** Answers changes when they hold at every verifier, and later questions about them. */
export class EnforcementAnswers {
  constructor(
    private readonly enforcements: Enforcements,
    private readonly ledger: Pick<FenceLedger, 'covering'>,
    private readonly revisions: Revisions,
  ) {}

  /** Waits as long as it takes, or so many seconds; `committed` with `enforcedBy` where that was not enough. */
  async of(
    { revision, restriction }: Pick<Committed<unknown>, 'revision' | 'restriction'>,
    waitSeconds: number = Number.POSITIVE_INFINITY,
  ): Promise<EnforcementAnswer> {
    if (restriction === null) return { status: 'committed', revision };
    return answerOf(revision, await this.enforcements.enforce(restriction, waitSeconds * 1000));
  }

  /** How the change of a revision stands by now; undefined where the log has no such change. */
  async find(revision: string): Promise<{ stream: string; answer: EnforcementAnswer } | undefined> {
    const opened = this.revisions.open(revision);
    // What is new took nothing away; the entries of its stream are about what was changed later.
    if (opened === undefined || opened.version === 1) return undefined;
    const restriction = await this.ledger.covering(opened.stream, opened.version);
    if (restriction === undefined) return undefined;
    return { stream: opened.stream, answer: await this.of({ revision, restriction }, LOOK_SECONDS) };
  }
}

function answerOf(revision: string, state: EnforcementState): EnforcementAnswer {
  if (state.status === 'committed') {
    return { status: 'committed', revision, enforcedBy: new Date(state.enforcedByMs).toISOString() };
  }
  const { via, waitedMs, verifiers } = state;
  return {
    status: 'enforced',
    revision,
    via: via === 'acks' ? 'acks' : 'leaseExpiry',
    waitedMs: Math.round(waitedMs),
    verifiers,
  };
}
