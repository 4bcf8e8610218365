import { Rejection, REJECTIONS, type RejectionCode } from '#libs/contracts';
import type { EventMetadata, EventStore, IdempotencyRecord } from '#libs/event-store';
import type { Decider } from './decider.js';

/** A stream's state and the version it was folded from. */
export interface Folded<State> {
  state: State;
  version: number;
}

/** The state after a command; where the command changed it, with what was stored and what the commit log said to that. */
export type Handled<State, Projected, Receipt> = Folded<State> & {
  projected: Projected | undefined;
  receipt?: Receipt | undefined;
};

/** An append with this idempotency key was stored meanwhile: its outcome is the answer. */
export class AlreadyDone extends Error {
  override readonly name = 'AlreadyDone';
}

/** How often a command is decided anew because another one changed its stream. */
const ATTEMPTS_MAX = 8;

export interface CommandContext<State, Event, Projected> {
  streamId: string;
  tenantId: string;
  metadata: EventMetadata;
  /** True where the stream cannot exist yet: it is not read. */
  isNew?: boolean;
  /** What the read model stores of the new state, and of what led to it from the one before. */
  project(after: Folded<State>, before: State, events: readonly Event[]): Projected;
  /** The idempotency record to keep with the outcome. */
  idempotency?(after: Folded<State>, projected: Projected | undefined): IdempotencyRecord | undefined;
}

/** Read, fold, decide, append at the version read; decided anew when another command came between. */
export async function handleCommand<
  Command,
  State,
  Event extends { type: string; data: object },
  Projected,
  Receipt,
>(
  store: EventStore<Projected, Receipt>,
  decider: Decider<Command, State, Event>,
  command: Command,
  context: CommandContext<State, Event, Projected>,
): Promise<Handled<State, Projected, Receipt>> {
  const { streamId, tenantId, metadata } = context;
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt += 1) {
    const stored = context.isNew && attempt === 1 ? [] : await store.read(streamId);
    const before = stored.reduce(
      (state, event) => decider.evolve(state, decider.upcast(event)),
      decider.initialState,
    );
    const events = decider.decide(command, before);
    const version = stored.length + events.length;
    const after = { state: events.reduce(decider.evolve, before), version };
    const projected = events.length === 0 ? undefined : context.project(after, before, events);
    const idempotency = context.idempotency?.(after, projected);
    if (projected === undefined) {
      if (idempotency && !(await store.keepIdempotencyRecord(idempotency))) throw new AlreadyDone();
      return { ...after, projected };
    }
    const outcome = await store.append({
      streamId,
      tenantId,
      expectedVersion: stored.length,
      events: events.map((event) => ({ ...event, schemaVersion: decider.schemaVersionOf(event.type) })),
      metadata,
      ...(idempotency && { idempotency }),
      projected,
    });
    if (outcome.status === 'appended') return { ...after, projected, receipt: outcome.receipt };
    if (outcome.status === 'repeated') throw new AlreadyDone();
    if (outcome.status === 'refused') throw rejectionWithCode(outcome.code);
  }
  throw new Rejection('CONFLICT');
}

function rejectionWithCode(code: string): Error {
  return code in REJECTIONS ? new Rejection(code as RejectionCode) : new Error(`unknown refusal ${code}`);
}
