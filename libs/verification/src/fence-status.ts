/** How a verifier stands, for metrics. */
export interface FenceStatus {
  applied: number;
  /** Entries that are known to be in the log and not applied. */
  lag: number;
  /** 0: none. */
  leaseLeftMs: number;
  registrations: number;
  suspensions: number;
}
