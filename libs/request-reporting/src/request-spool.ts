import type { Incarnation } from './incarnation.js';

/** Why events were not kept. */
export type DropReason = 'full' | 'disk' | 'too_large' | 'closed' | 'damaged' | 'expired';

/** Consecutive events, the first of them not acknowledged yet. */
export interface SpoolBatch {
  firstSequence: number;
  /** Each event as JSON; the first has `firstSequence`. Never empty. */
  events: Buffer[];
}

export interface BatchLimits {
  eventsMax: number;
  /** Sum of the events' sizes; one event above it comes alone. */
  bytesMax: number;
}

/** The events of one incarnation that the log has not acknowledged, in the order of their sequences. */
export interface RequestSpool {
  readonly identity: Incarnation;
  /** Number of events not acknowledged. */
  readonly pending: number;
  /** True when nothing will be appended any more. */
  readonly sealed: boolean;
  /** The first events not acknowledged; the same again until they are; undefined when there are none. */
  next(limits: BatchLimits): Promise<SpoolBatch | undefined>;
  /** The log has this batch, the one that `next` gave last: it will not be given again. */
  acknowledge(batch: SpoolBatch): void;
  /** Forgets all events that are not acknowledged and returns their number. */
  discard(): number;
  /** Lets go of the files and the lock; what is not acknowledged stays for who takes it over. */
  release(): Promise<void>;
}

/** The spool of a living incarnation. */
export interface OpenSpool extends RequestSpool {
  /**
   * Writes events (each as JSON) in one go and gives those it keeps the next sequences, which start at 1. What it
   * can't keep takes no sequence and is returned; undefined when all were kept.
   */
  append(events: readonly string[]): Refused | undefined;
  /** Resolves when everything appended before the call is on the disk itself. */
  sync(): Promise<void>;
  /** Nothing will be appended any more. */
  seal(): void;
}

/** How many events were not kept and why, with what the disk said. */
export interface Refused {
  dropped: { reason: DropReason; events: number }[];
  error?: unknown;
}

/** All spools of one service in one place. */
export abstract class RequestSpools {
  /** Makes the spool of a fresh incarnation; its files appear with its first event. */
  abstract open(identity: Incarnation): Promise<OpenSpool>;

  /** The spools whose process is dead, now locked by this one. */
  abstract takeOver(): Promise<RequestSpool[]>;

  /** Size of all spools, those of other living processes as of the last {@link takeOver}. */
  abstract readonly bytes: number;
}
