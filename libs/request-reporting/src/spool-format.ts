/**
 * A segment of a spool: one line that says whose events follow, then a frame for each event. A frame is
 * `u32 length, u32 crc, u48 sequence, event as JSON`, big-endian; the crc covers sequence and event. An event is
 * released only after its whole frame is written, so that a torn last frame was never released and may be ignored,
 * whereas a bad frame with good ones behind it means that released events were damaged.
 */
import { crc32 } from 'node:zlib';
import type { Incarnation } from './incarnation.js';

export const SPOOL_FORMAT = 1;
export const FRAME_HEAD_BYTES = 14;
/** A larger event is not spooled. It also keeps the two first bytes of a frame 0, which JSON never contains. */
export const EVENT_BYTES_MAX = 65_535;

export interface SegmentHeader extends Incarnation {
  format: number;
  /** Sequence of the first event of the segment. */
  firstSequence: number;
}

/** Bytes `from` up to `to` of a segment: whole frames with consecutive sequences. */
export interface FrameRun {
  from: number;
  to: number;
  firstSequence: number;
  lastSequence: number;
}

export interface Frame {
  sequence: number;
  event: Buffer;
  /** Where the next frame begins. */
  end: number;
}

export const HEADER_BYTES_MAX = 1024;
const NEWLINE = 0x0a;

export function encodeHeader(header: SegmentHeader): Buffer {
  const json = JSON.stringify(header);
  return Buffer.from(`${json} ${checksum(json)}\n`);
}

/** The header and where the frames begin; undefined when the line is incomplete or damaged. */
export function decodeHeader(bytes: Buffer): { header: SegmentHeader; length: number } | undefined {
  const newline = bytes.subarray(0, HEADER_BYTES_MAX).indexOf(NEWLINE);
  if (newline < 9) return undefined;
  const json = bytes.toString('utf8', 0, newline - 9);
  if (bytes.toString('utf8', newline - 9, newline) !== ` ${checksum(json)}`) return undefined;
  return { header: JSON.parse(json) as SegmentHeader, length: newline + 1 };
}

/** Most bytes that the frame of an event may take. */
export function frameBytesMax(event: string): number {
  return FRAME_HEAD_BYTES + event.length * 3;
}

/** Writes a frame into `target`, which has room for {@link frameBytesMax}, and returns where it ends. */
export function writeFrame(target: Buffer, offset: number, sequence: number, event: string): number {
  const length = target.write(event, offset + FRAME_HEAD_BYTES, 'utf8');
  const end = offset + FRAME_HEAD_BYTES + length;
  target.writeUInt32BE(length, offset);
  target.writeUIntBE(sequence, offset + 8, 6);
  target.writeUInt32BE(crc32(target.subarray(offset + 8, end)), offset + 4);
  return end;
}

/** The frame at `offset`, its event a view into `bytes`; undefined where no whole and undamaged frame is. */
export function readFrame(bytes: Buffer, offset: number): Frame | undefined {
  if (offset + FRAME_HEAD_BYTES > bytes.length) return undefined;
  const length = bytes.readUInt32BE(offset);
  const end = offset + FRAME_HEAD_BYTES + length;
  if (length === 0 || length > EVENT_BYTES_MAX || end > bytes.length) return undefined;
  if (crc32(bytes.subarray(offset + 8, end)) !== bytes.readUInt32BE(offset + 4)) return undefined;
  return {
    sequence: bytes.readUIntBE(offset + 8, 6),
    event: bytes.subarray(offset + FRAME_HEAD_BYTES, end),
    end,
  };
}

/**
 * The events of the frames at the beginning of `bytes`, as many as the limits allow (the first always), and the number
 * of bytes they take. Stops at what is no frame of the next sequence.
 */
export function readEvents(
  bytes: Buffer,
  firstSequence: number,
  limits: { eventsMax: number; bytesMax: number },
): { events: Buffer[]; length: number } {
  const events: Buffer[] = [];
  let [length, size] = [0, 0];
  while (events.length < limits.eventsMax) {
    const frame = readFrame(bytes, length);
    if (frame?.sequence !== firstSequence + events.length) break;
    size += frame.event.length;
    if (size > limits.bytesMax && events.length > 0) break;
    events.push(frame.event);
    length = frame.end;
  }
  return { events, length };
}

/**
 * All that can be read from `offset` on, in order: sequences from `sequenceMin` up to, but without, `sequenceEnd`. More
 * than one run, or a first one that begins later, means damage; bytes after the last run are a torn tail.
 */
export function findRuns(
  bytes: Buffer,
  offset: number,
  sequenceMin: number,
  sequenceEnd = Number.POSITIVE_INFINITY,
): FrameRun[] {
  const runs: FrameRun[] = [];
  let sequenceNext = sequenceMin;
  for (let at = offset; at + FRAME_HEAD_BYTES < bytes.length; ) {
    const frame = readFrame(bytes, at);
    if (frame === undefined || frame.sequence < sequenceNext || frame.sequence >= sequenceEnd) {
      at += 1;
      continue;
    }
    const run = runs.at(-1);
    if (run !== undefined && run.to === at && run.lastSequence + 1 === frame.sequence) {
      run.to = frame.end;
      run.lastSequence = frame.sequence;
    } else {
      runs.push({ from: at, to: frame.end, firstSequence: frame.sequence, lastSequence: frame.sequence });
    }
    sequenceNext = frame.sequence + 1;
    at = frame.end;
  }
  return runs;
}

/** Sequences of released events that can't be read, both ends included. */
export interface MissingSequences {
  from: number;
  to: number;
}

/** Sequences that a reader of `runs` misses when it expects `firstSequence` up to, but without, `sequenceEnd`. */
export function missingSequences(
  runs: readonly FrameRun[],
  firstSequence: number,
  sequenceEnd: number,
): MissingSequences[] {
  const missing: MissingSequences[] = [];
  let expected = firstSequence;
  for (const run of [...runs, { firstSequence: sequenceEnd, lastSequence: sequenceEnd }]) {
    if (run.firstSequence > expected) missing.push({ from: expected, to: run.firstSequence - 1 });
    expected = Math.max(expected, run.lastSequence + 1);
  }
  return missing;
}

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(8, '0');
}
