const QUARTER_MS = 15 * 60 * 1000;
const WINDOW_MS = 30 * 24 * 60 * 60 * 1000;

/** Start of the quarter of an hour, UTC, in which a time lies; milliseconds since the epoch. */
export function quarterOf(timeMs: number): number {
  return timeMs - (timeMs % QUARTER_MS);
}

/** Quarters of an hour, from one to another, both included; milliseconds since the epoch. */
export interface UsageWindow {
  startMs: number;
  endMs: number;
}

/**
 * The quarters of the 30 days that end now: the first is the one in which they begin, so that up to 15 minutes more are
 * in the window, never less.
 */
export function usageWindow(nowMs: number): UsageWindow {
  return { startMs: quarterOf(nowMs - WINDOW_MS), endMs: quarterOf(nowMs) };
}
