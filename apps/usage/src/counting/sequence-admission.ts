/** Consecutive events of one incarnation: the first has `firstSequence`. */
export interface Run<Event> {
  firstSequence: number;
  events: readonly Event[];
}

export interface Admission<Event> {
  /** The last sequence that was taken, now or before. */
  lastSequence: number;
  /** To be counted: each is the next one after the one before it. */
  taken: Event[];
  /** What comes after a gap, to be kept until the gap is filled. */
  parked: Run<Event>[];
  /** Events that were taken before. */
  dropped: number;
}

/**
 * Decides about events of one incarnation whose last taken sequence is `lastSequence` (0: none yet). Only
 * `last + 1` is taken, and each event is judged by itself: a message that is sent again may be packed otherwise.
 * To take whatever is higher than the last would lose the events of a gap for ever, since they come with lower
 * sequences; to take what was taken before would count it twice.
 */
export function admit<Event>(lastSequence: number, runs: readonly Run<Event>[]): Admission<Event> {
  const admission: Admission<Event> = { lastSequence, taken: [], parked: [], dropped: 0 };
  for (const run of runs) {
    const next = admission.lastSequence + 1;
    if (run.firstSequence > next) {
      admission.parked.push(run);
      continue;
    }
    const known = Math.min(next - run.firstSequence, run.events.length);
    admission.dropped += known;
    for (let index = known; index < run.events.length; index += 1) {
      admission.taken.push(run.events[index] as Event);
    }
    admission.lastSequence = Math.max(admission.lastSequence, run.firstSequence + run.events.length - 1);
  }
  return admission;
}
