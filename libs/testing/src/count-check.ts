/** What a run of requests left behind, by id: a request, or a key where requests have no id of their own. */
export interface CountObservations {
  /** Requests whose answer came back to the client; an id may occur several times. */
  answered: Iterable<string>;
  /** Requests that reached the system, answered or not. */
  received: Iterable<string>;
  /** How often each id was counted. */
  counted: Iterable<readonly [id: string, count: number]>;
}

export interface CountProblem {
  /** `lost`: answered but not counted. `surplus`: counted more often than received, so twice or from nothing. */
  kind: 'lost' | 'surplus';
  id: string;
  answered: number;
  counted: number;
  received: number;
}

/**
 * The promise of counting: `answered ⊆ counted ⊆ received`, each once. A request that was received but whose answer
 * did not come back may be counted or not. Returns every id that breaks it.
 */
export function checkCounts(observations: CountObservations): CountProblem[] {
  const answeredById = occurrences(observations.answered);
  const receivedById = occurrences(observations.received);
  const countedById = new Map(observations.counted);
  const problems: CountProblem[] = [];
  for (const id of new Set([...answeredById.keys(), ...countedById.keys()])) {
    const answered = answeredById.get(id) ?? 0;
    const counted = countedById.get(id) ?? 0;
    const received = receivedById.get(id) ?? 0;
    if (counted < answered) problems.push({ kind: 'lost', id, answered, counted, received });
    if (counted > received) problems.push({ kind: 'surplus', id, answered, counted, received });
  }
  return problems;
}

/** How often each id occurs. */
export function occurrences(ids: Iterable<string>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1);
  return counts;
}
