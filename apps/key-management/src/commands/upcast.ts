import type { NewEvent } from '#libs/event-store';

/** For each event type, the steps from schema version 1 to 2, 2 to 3 …; the last one's result is today's shape. */
export type Upcasters = Record<string, readonly ((data: object) => object)[]>;

/** Brings stored data to today's shape. Throws on types and versions it does not know: written by newer code. */
export function upcastWith(upcasters: Upcasters, stored: NewEvent): object {
  const steps = upcasters[stored.type];
  if (steps === undefined) throw new Error(`event type ${stored.type} is unknown`);
  if (stored.schemaVersion < 1 || stored.schemaVersion > steps.length + 1) {
    throw new Error(`event ${stored.type} has unknown schema version ${stored.schemaVersion}`);
  }
  return steps.slice(stored.schemaVersion - 1).reduce((data, step) => step(data), stored.data);
}
