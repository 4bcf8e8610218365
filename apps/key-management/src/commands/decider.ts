import type { NewEvent } from '#libs/event-store';

/**
 * A decision as three pure things. Time, identity and digests come in with the command; `[]` means that there is
 * nothing to do; what a rule refuses is thrown as a Rejection; `evolve` never throws and never decides.
 */
export interface Decider<Command, State, Event extends { type: string }> {
  readonly initialState: State;
  readonly decide: (command: Command, state: State) => Event[];
  readonly evolve: (state: State, event: Event) => State;
  /** Brings stored data of an older schema version to the shape of `Event`. */
  readonly upcast: (stored: NewEvent) => Event;
  /** The schema version that events are written with. */
  readonly schemaVersionOf: (type: Event['type']) => number;
}
