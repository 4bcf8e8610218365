/** One figure over the rounds of a run. */
export interface Spread {
  median: number;
  min: number;
  max: number;
}

/** Throws on no values: a figure that was not measured is no figure. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const [min, max] = [sorted[0], sorted.at(-1)];
  if (min === undefined || max === undefined) throw new Error('there is no value to take a median of');
  const half = Math.floor(sorted.length / 2);
  const upper = sorted[half] as number;
  const median = sorted.length % 2 === 1 ? upper : ((sorted[half - 1] as number) + upper) / 2;
  return { median, min, max };
}

/** The value below which the given share (0 to 1) of the values lie; the values are sorted. */
export function percentileOf(sorted: readonly number[], share: number): number {
  const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  if (value === undefined) throw new Error('there is no value to take a percentile of');
  return value;
}

/** What a figure is held to. */
export interface Bar {
  atMost?: number;
  atLeast?: number;
}

/** `missed` only when no round of the run kept the bar; `partly` when some did not. */
export function judge(
  { min, max }: Spread,
  { atMost = Infinity, atLeast = -Infinity }: Bar,
): 'held' | 'partly' | 'missed' {
  if (min > atMost || max < atLeast) return 'missed';
  return max > atMost || min < atLeast ? 'partly' : 'held';
}
