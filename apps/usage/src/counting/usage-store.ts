import type { LogPosition } from '#libs/event-log';
import type { ArrivedRun } from './request-batch.js';
import type { RetentionCutoffs } from './retention-periods.js';

/** What one batch of the log brings, in its order. */
export interface ArrivedBatch {
  position: LogPosition;
  firstOffset: bigint;
  /** The offset after the batch's last. */
  nextOffset: bigint;
  runs: ArrivedRun[];
  /** The offset at which the log was asked to read again, when this batch is its answer. */
  resumedAt?: bigint | undefined;
}

/** Numbers of events by what became of them. */
export interface CountedBatch {
  /** Counted now, among them such that were parked before. */
  counted: number;
  /** Took their sequence before. */
  dropped: number;
  /** Took their sequence now and are of another form, so that they can't be counted. */
  malformed: number;
  /** Took their sequence now and are reports that repeat a counted one. */
  repeated: number;
  /** Kept until the gap before them is filled. */
  parked: number;
  /** Incarnations with a gap, and what is waited for. */
  gaps: { incarnation: string; expectedSequence: number; firstParkedSequence: number }[];
  /** Offsets that the log no longer has. */
  missing?: { from: bigint; to: bigint };
}

/** Counters, and what makes sure that each event is in them once. */
export abstract class UsageStore {
  /** The offset to go on with; undefined when nothing of this partition was counted yet. */
  abstract nextOffset(position: LogPosition): Promise<bigint | undefined>;

  /**
   * Counts a batch: counters, sequences and offset change together or not at all. A batch that begins behind the stored
   * offset is refused with the offset to read again from, unless the log was asked just that and has nothing there.
   */
  abstract count(batch: ArrivedBatch): Promise<CountedBatch | { resumeAt: bigint }>;

  /** Number of events that wait for a gap to be filled. */
  abstract parkedEvents(): Promise<number>;

  /** Forgets at most so many rows of each kind, and tells how many of the kind with most of them. */
  abstract forget(cutoffs: RetentionCutoffs, rowsMax: number): Promise<number>;
}
