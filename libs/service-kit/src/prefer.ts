/** What a request prefers of the time its answer takes (RFC 7240). */
export interface PreferredWait {
  /** How long it wants to wait at most. */
  seconds: number;
  /** As Preference-Applied names it. */
  applied: string;
}

/** Longest that can be asked for, seconds: a timer takes no more. */
const WAIT_SECONDS_MAX = 2_147_483;

/**
 * Reads `respond-async` and `wait=N`; with both it is to wait first. Undefined where a request prefers neither. What is
 * no preference we know is passed over, as preferences are.
 */
export function preferredWaitOf(header: string | string[] | undefined): PreferredWait | undefined {
  const preferences = [header ?? []]
    .flat()
    .flatMap((line) => line.split(','))
    .map((item) => (item.split(';')[0] ?? '').trim().toLowerCase());
  const seconds = preferences
    .map((item) => /^wait\s*=\s*"?(\d{1,10})"?$/.exec(item)?.[1])
    .find((text) => text !== undefined);
  if (seconds !== undefined) {
    return { seconds: Math.min(Number(seconds), WAIT_SECONDS_MAX), applied: `wait=${Number(seconds)}` };
  }
  return preferences.includes('respond-async') ? { seconds: 0, applied: 'respond-async' } : undefined;
}
