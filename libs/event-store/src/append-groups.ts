import type { Append, AppendOutcome } from './event-store.js';

/** Most appends in one group. */
const GROUP_APPENDS_MAX = 256;

interface Waiting<Projected, Receipt> {
  append: Append<Projected>;
  /** Of its stream, once it is appended. */
  version?: number;
  settle: (outcome: AppendOutcome<Receipt>) => void;
  fail: (error: unknown) => void;
}

/**
 * Tries to store a group of appends, of different streams and idempotency keys, in one transaction. All outcomes are
 * `appended`: all of it is stored; or any is not: nothing is.
 */
export type GroupAttempt<Projected, Receipt> = (
  appends: readonly Append<Projected>[],
) => Promise<AppendOutcome<Receipt>[]>;

/**
 * Groups concurrent appends, so that many commands pay for one commit: while one group is being stored the next one
 * gathers. An append that is refused, or that the store cannot take at all, does not harm those it was grouped with.
 */
export class AppendGroups<Projected, Receipt = unknown> {
  private waiting: Waiting<Projected, Receipt>[] = [];
  private storing = false;

  constructor(
    private readonly attempt: GroupAttempt<Projected, Receipt>,
    /** Whether an error is about the store and not about what it was to store: then trying apart makes no sense. */
    private readonly isAway: (error: unknown) => boolean,
  ) {}

  add(append: Append<Projected>): Promise<AppendOutcome<Receipt>> {
    return new Promise((resolve, reject) => {
      const settle = (outcome: AppendOutcome<Receipt>) => {
        if (outcome.status === 'appended') item.version = outcome.version;
        resolve(outcome);
      };
      const item: Waiting<Projected, Receipt> = { append, settle, fail: reject };
      this.waiting.push(item);
      if (!this.storing) void this.storeWaiting();
    });
  }

  private async storeWaiting(): Promise<void> {
    this.storing = true;
    while (this.waiting.length > 0) {
      // Commands that come in the same turn, such as those of callers who were answered just now, go together: taken at
      // once, the first of them would go alone and the others wait for its commit.
      await new Promise((resolve) => setImmediate(resolve));
      const group = this.takeGroup();
      await this.store(group);
      this.settleOvertaken(group);
    }
    this.storing = false;
  }

  /** What waits to be appended where the group has just appended conflicts, without asking the store. */
  private settleOvertaken(group: readonly Waiting<Projected, Receipt>[]): void {
    const versions = new Map(group.map(({ append, version = 0 }) => [append.streamId, version]));
    this.waiting = this.waiting.filter(({ append, settle }) => {
      const overtaken = append.expectedVersion < (versions.get(append.streamId) ?? 0);
      if (overtaken) settle({ status: 'conflict' });
      return !overtaken;
    });
  }

  /** Takes what may share a transaction; the rest keeps its order. */
  private takeGroup(): Waiting<Projected, Receipt>[] {
    const taken: Waiting<Projected, Receipt>[] = [];
    const left: Waiting<Projected, Receipt>[] = [];
    const claimed = new Set<string>();
    for (const item of this.waiting) {
      const { streamId, idempotency } = item.append;
      const claims = [`stream ${streamId}`];
      if (idempotency) claims.push(`wish ${JSON.stringify([idempotency.scope, idempotency.key])}`);
      const free = taken.length < GROUP_APPENDS_MAX && !claims.some((claim) => claimed.has(claim));
      (free ? taken : left).push(item);
      for (const claim of claims) claimed.add(claim);
    }
    this.waiting = left;
    return taken;
  }

  /** Never rejects: every item is settled or failed. */
  private async store(group: readonly Waiting<Projected, Receipt>[]): Promise<void> {
    let outcomes: AppendOutcome<Receipt>[];
    try {
      outcomes = await this.attempt(group.map(({ append }) => append));
    } catch (error) {
      if (group.length > 1 && !this.isAway(error)) {
        for (const item of group) await this.store([item]);
      } else {
        for (const { fail } of group) fail(error);
      }
      return;
    }
    const statusAt = (index: number) => outcomes[index]?.status;
    const fitting = group.filter((_, index) => statusAt(index) === 'appended');
    if (fitting.length === group.length || fitting.length === 0) {
      group.forEach(({ settle }, index) => settle(outcomes[index] as AppendOutcome<Receipt>));
      return;
    }
    group.forEach(({ settle }, index) => {
      // A conflict and a repetition are the item's own; a refusal may be due to an item that is not stored in the end.
      if (statusAt(index) !== 'appended' && statusAt(index) !== 'refused') {
        settle(outcomes[index] as AppendOutcome<Receipt>);
      }
    });
    await this.store(fitting);
    const refused = group.filter((_, index) => statusAt(index) === 'refused');
    if (refused.length > 0) await this.store(refused);
  }
}
