/** What can be replayed of the files that a dead process left. */
import type { Incarnation } from './incarnation.js';
import {
  decodeHeader,
  type FrameRun,
  findRuns,
  HEADER_BYTES_MAX,
  type MissingSequences,
  missingSequences,
  type SegmentHeader,
  SPOOL_FORMAT,
} from './spool-format.js';

/** Reads a file, or its first bytes. */
export type ReadSegment = (path: string, bytesMax?: number) => Promise<Buffer>;

export interface Recovery {
  /** Undefined where no file tells it: nothing can be replayed then. */
  identity: Incarnation | undefined;
  /** In the order of their sequences. */
  segments: { path: string; bytes: number; runs: FrameRun[] }[];
  /** Files whose process died before their first event was written. */
  empty: string[];
  /** Files that can't be read as a whole, and why: kept for a person to look at. */
  unreadable: { path: string; reason: string }[];
  /** Released events that can't be read any more. */
  missing: { path: string; missing: MissingSequences }[];
}

/**
 * Examines the segments of one incarnation, given in the order in which they were written. One is in memory at a time:
 * after a long absence of the log all of them together may be larger than what the process may use.
 */
export async function recoverSpool(paths: readonly string[], read: ReadSegment): Promise<Recovery> {
  const recovery: Recovery = { identity: undefined, segments: [], empty: [], unreadable: [], missing: [] };
  const headed: { path: string; header: SegmentHeader; length: number }[] = [];
  for (const path of paths) {
    const head = decodeHeader(await read(path, HEADER_BYTES_MAX));
    if (head?.header.format === SPOOL_FORMAT) headed.push({ path, ...head });
    else if (head !== undefined)
      recovery.unreadable.push({ path, reason: `its format is ${head.header.format}` });
    else if (findRuns(await read(path), 0, 1).length === 0) recovery.empty.push(path);
    else recovery.unreadable.push({ path, reason: 'its first line is damaged' });
  }
  const first = headed[0];
  if (first === undefined) return recovery;
  const { incarnation, topic, partition, createdAtMs } = first.header;
  recovery.identity = { incarnation, topic, partition, createdAtMs };
  let sequenceNext = first.header.firstSequence;
  for (const [index, { path, length }] of headed.entries()) {
    const bytes = await read(path);
    // A write that failed may have left frames that were never released: the next segment gave their sequences to others.
    const sequenceEnd = headed[index + 1]?.header.firstSequence;
    const runs = findRuns(bytes, length, sequenceNext, sequenceEnd);
    const sequenceAfter = sequenceEnd ?? (runs.at(-1)?.lastSequence ?? sequenceNext - 1) + 1;
    const missing = missingSequences(runs, sequenceNext, sequenceAfter);
    recovery.missing.push(...missing.map((range) => ({ path, missing: range })));
    recovery.segments.push({ path, bytes: bytes.length, runs });
    sequenceNext = sequenceAfter;
  }
  return recovery;
}
