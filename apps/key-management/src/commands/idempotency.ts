import { Rejection } from '#libs/contracts';
import type { EventStore, IdempotencyRecord } from '#libs/event-store';
import { AlreadyDone } from './handle-command.js';

/** A wish that may be repeated under a key of the client's choice. */
export interface Wish {
  /** Tenant, actor and route. */
  scope: string;
  key: string;
  /** Hash of what was asked. */
  requestHash: string;
}

/** Answers a repeated wish with the outcome of the first, for 24 hours. */
export class Idempotency {
  private readonly running = new Set<string>();

  constructor(private readonly store: Pick<EventStore<unknown>, 'findIdempotencyRecord'>) {}

  /**
   * Runs `execute`, or answers what it answered before. `Outcome` is what is kept and answered again, so it never holds
   * a secret. Rejects with IDEMPOTENCY_KEY_IN_USE while the first is running, IDEMPOTENCY_KEY_REUSED on another request.
   */
  async once<Outcome extends object, Answer>(
    wish: Wish | undefined,
    execute: (keep: (outcome: Outcome) => IdempotencyRecord | undefined) => Promise<Answer>,
    repeat: (outcome: Outcome) => Answer | Promise<Answer>,
  ): Promise<Answer> {
    if (wish === undefined) return execute(() => undefined);
    const id = JSON.stringify([wish.scope, wish.key]);
    if (this.running.has(id)) throw new Rejection('IDEMPOTENCY_KEY_IN_USE');
    this.running.add(id);
    try {
      const before = await this.outcomeOf<Outcome>(wish);
      if (before !== undefined) return await repeat(before);
      return await execute((outcome) => ({ ...wish, outcome }));
    } catch (error) {
      // Another replica may have stored the same wish since we looked. Then a rule that says no says so because of what
      // this very wish has done already.
      const mayBeDone = error instanceof AlreadyDone || error instanceof Rejection;
      const meanwhile = mayBeDone ? await this.outcomeOf<Outcome>(wish) : undefined;
      if (meanwhile === undefined) throw error;
      return await repeat(meanwhile);
    } finally {
      this.running.delete(id);
    }
  }

  private async outcomeOf<Outcome>(wish: Wish): Promise<Outcome | undefined> {
    const record = await this.store.findIdempotencyRecord(wish.scope, wish.key);
    if (record === undefined) return undefined;
    if (record.requestHash !== wish.requestHash) throw new Rejection('IDEMPOTENCY_KEY_REUSED');
    return record.outcome as Outcome;
  }
}
