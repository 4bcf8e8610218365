import { createHash } from 'node:crypto';

const DAY_MS = 24 * 60 * 60 * 1000;

/** What a reporter numbers its events under, fixed for ever when its spool is made. */
export interface Incarnation {
  /** UUID, fresh at every process start: a number that was given once is never given to another event. */
  incarnation: string;
  topic: string;
  /** All its messages go to this partition, however many the topic has later: only there is their order kept. */
  partition: number;
  /** Milliseconds since the epoch. */
  createdAtMs: number;
}

/**
 * A process that runs longer than this goes on under another incarnation. It bounds how long after its first event
 * an incarnation can have another, and with it how long a reader must remember it.
 */
export const INCARNATION_AGE_MAX_MS = 7 * DAY_MS;

/**
 * A spool is not published when its incarnation is older than this: its reader may have forgotten which of the events
 * it has counted, and would count them again. With the time the topic keeps messages it makes the age beyond which
 * nothing of an incarnation can arrive.
 */
export const REPLAY_AGE_MAX_MS = 20 * DAY_MS;

/** The partition of an incarnation: spread evenly, and the same wherever and whenever it is asked. */
export function partitionOf(incarnation: string, partitions: number): number {
  return createHash('sha256').update(incarnation).digest().readUInt32BE(0) % partitions;
}
