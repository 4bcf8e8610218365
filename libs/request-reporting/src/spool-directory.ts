import type { Incarnation } from './incarnation.js';
import type { OpenSpool } from './request-spool.js';
import type { FrameRun, MissingSequences } from './spool-format.js';

/** The one right to write and publish a spool. */
export interface SpoolLock {
  release(): Promise<void>;
}

export interface SpoolDamage {
  path: string;
  reason: string;
  /** What is lost; absent where the file as a whole can't be read and is set aside. */
  missing?: MissingSequences;
}

/** A file of a spool with events that are not acknowledged. */
export interface Segment {
  path: string;
  fd: number;
  bytes: number;
  /** What is not acknowledged. */
  runs: FrameRun[];
}

/** What a spool needs of the directory it lies in. */
export interface SpoolDirectory {
  readonly path: string;
  /** After each turn the data go to the disk itself, and so do the names of new files. */
  readonly fsync: boolean;
  /** Most bytes of all spools together. */
  readonly bytesMax: number;
  readonly bytes: number;
  /** Counts bytes that were written or removed. */
  resized(bytes: number): void;
  onDamage(damage: SpoolDamage): void;
}

/** Makes the spool of segments that were found, or of none yet. */
export type MakeSpool = (
  directory: SpoolDirectory,
  identity: Incarnation,
  segments: Segment[],
  unlock: () => Promise<void>,
) => OpenSpool;
