import type { NewEvent } from '#libs/event-store';

/** For each event type, the steps from schema version 1 to 2, 2 to 3 …; the last one's result is today's shape. */
export type Upcasters<Type extends string = string> = Readonly<
  Record<Type, readonly ((data: object) => object)[]>
>;

/** Brings stored data to today's shape. Throws on types and versions it does not know: written by newer code. */
export function upcastWith(upcasters: Upcasters, stored: NewEvent): object {
  const steps = Object.hasOwn(upcasters, stored.type) ? upcasters[stored.type] : undefined;
  if (steps === undefined) throw new Error(`event type ${stored.type} is unknown`);
  if (
    !Number.isInteger(stored.schemaVersion) ||
    stored.schemaVersion < 1 ||
    stored.schemaVersion > steps.length + 1
  ) {
    throw new Error(`event ${stored.type} has unknown schema version ${stored.schemaVersion}`);
  }
  return steps.slice(stored.schemaVersion - 1).reduce((data, step) => step(data), stored.data);
}

/** The schema version that events of a type are written with today. */
export function schemaVersionWith<Type extends string>(upcasters: Upcasters<Type>, type: Type): number {
  return upcasters[type].length + 1;
}
