/** Deepest nesting of a JSON body: what validates and stores it works recursively. */
const LEVELS_MAX = 32;

/** Names that every JavaScript object knows already: as names of JSON they get lost on the way, or worse. */
const KNOWN_TO_ALL_OBJECTS = new Set(['prototype', ...Object.getOwnPropertyNames(Object.prototype)]);

/** Why parsed JSON is not taken, to complete "body …"; undefined where it is. */
export function jsonProblem(body: unknown): string | undefined {
  // Whoever has nothing to say leaves the body out.
  if (body === null) return 'must not be null';
  const pending: { value: unknown; level: number }[] = [{ value: body, level: 1 }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { value, level } = next;
    if (typeof value !== 'object' || value === null) continue;
    if (level > LEVELS_MAX) return `must not be nested deeper than ${LEVELS_MAX} levels`;
    for (const [name, child] of Object.entries(value)) {
      if (KNOWN_TO_ALL_OBJECTS.has(name)) return `must not have the name "${name}"`;
      pending.push({ value: child, level: level + 1 });
    }
  }
  return undefined;
}
