const HOUR_MS = 60 * 60 * 1000;
const DAY_MS = 24 * HOUR_MS;

/** Rows of before these times are forgotten; milliseconds since the epoch. */
export interface RetentionCutoffs {
  /** By the quarter counted. */
  countsMs: number;
  /** By the time at which a report was counted. */
  reportsMs: number;
  /** By the time of the incarnation's last message. */
  reportersMs: number;
}

export const RETENTION_PERIODS_MS = {
  counts: 400 * DAY_MS,
  reports: HOUR_MS,
  /**
   * The last sequence of an incarnation is what keeps a message that comes again from being counted again. It must
   * outlive whatever can still arrive: the log keeps messages for 35 days, and a spool is published at most 20 days
   * after its incarnation began. Forgotten earlier, the first messages would count twice and the others park for ever.
   */
  reporters: 60 * DAY_MS,
} as const;

export function retentionCutoffs(nowMs: number): RetentionCutoffs {
  return {
    countsMs: nowMs - RETENTION_PERIODS_MS.counts,
    reportsMs: nowMs - RETENTION_PERIODS_MS.reports,
    reportersMs: nowMs - RETENTION_PERIODS_MS.reporters,
  };
}
