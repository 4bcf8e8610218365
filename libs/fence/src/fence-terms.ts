/** How far the rate of any clock may be from real time. */
export const CLOCK_RATE_ERROR = 0.01;

/** Taken off every lease and added to every wait, for what clocks cannot resolve, milliseconds. */
export const CLOCK_RESOLUTION_MS = 5;

/** A lease and what a verifier may serve beyond it, in milliseconds of real time. */
export interface FenceTerms {
  leaseMs: number;
  /** 0: nothing is served beyond the lease. */
  serveStaleMs: number;
}

/** How long after it asked a verifier may answer, by its own clock; beyond {@link freshMs} flagged degraded. */
export function servingMs({ leaseMs, serveStaleMs }: FenceTerms): number {
  return (leaseMs + serveStaleMs) * (1 - 2 * CLOCK_RATE_ERROR) - CLOCK_RESOLUTION_MS;
}

/** How long after it asked a verifier's answers are within the lease itself, by its own clock. */
export function freshMs({ leaseMs }: { leaseMs: number }): number {
  return servingMs({ leaseMs, serveStaleMs: 0 });
}

/** After how long no verifier answers any more by a lease that was given before, by any other clock. */
export function outlivesMs({ leaseMs, serveStaleMs }: FenceTerms): number {
  return (leaseMs + serveStaleMs) * (1 + 2 * CLOCK_RATE_ERROR) + CLOCK_RESOLUTION_MS;
}
