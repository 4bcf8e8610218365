/** The relay's turn: held by one process at a time, on one database session. */
export interface RelaySession {
  /** Position of the last event that is published. */
  checkpoint(): Promise<number>;
  /** Moves the checkpoint; rejects when the session, and with it the lead, is lost. */
  advance(position: number): Promise<void>;
  /** Waits for a commit to announce itself, at most so long and until aborted; polling stands behind it. */
  waitForEvents(timeoutMs: number, signal: AbortSignal): Promise<void>;
  /** Ends the lead; what the session was asked for before is finished first. */
  close(): Promise<void>;
}

/** Elects the one relay that publishes. */
export abstract class RelayLeadership {
  /**
   * A session that leads, or undefined while another process leads. Waits for a store that has not been there yet,
   * until aborted; rejects while one that was there is away.
   */
  abstract tryLead(signal: AbortSignal): Promise<RelaySession | undefined>;
}
