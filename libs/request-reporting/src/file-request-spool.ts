import * as fs from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Incarnation } from './incarnation.js';
import type { BatchLimits, OpenSpool, Refused, SpoolBatch } from './request-spool.js';
import type { Segment, SpoolDirectory } from './spool-directory.js';
import {
  EVENT_BYTES_MAX,
  encodeHeader,
  FRAME_HEAD_BYTES,
  type FrameRun,
  findRuns,
  frameBytesMax,
  missingSequences,
  readEvents,
  SPOOL_FORMAT,
  writeFrame,
} from './spool-format.js';

const SEGMENT_BYTES = 8 * 1024 * 1024;
const readAt = promisify(fs.read);
const fdatasync = promisify(fs.fdatasync);

/** One incarnation's spool as a row of files, written and read in the order of their numbers. */
export class FileRequestSpool implements OpenSpool {
  sealed = false;
  private writing: Segment | undefined;
  private segmentNumber = 0;
  private sequenceNext = 1;
  private unsynced = new Set<Segment>();
  private syncing: Promise<void> = Promise.resolve();
  private nextSync: Promise<void> | undefined;
  private buffer = Buffer.allocUnsafe(64 * 1024);
  private given: { batch: SpoolBatch; run: FrameRun; to: number } | undefined;

  constructor(
    private readonly directory: SpoolDirectory,
    readonly identity: Incarnation,
    /** The segments with events not acknowledged, and the one being written. */
    private segments: Segment[],
    private readonly unlock: () => Promise<void>,
  ) {}

  get pending(): number {
    const runs = this.segments.flatMap((segment) => segment.runs);
    return runs.reduce((sum, run) => sum + run.lastSequence - run.firstSequence + 1, 0);
  }

  append(events: readonly string[]): Refused | undefined {
    let segment: Segment;
    try {
      segment = this.writableSegment();
    } catch (error) {
      return { dropped: [{ reason: 'disk', events: events.length }], error };
    }
    const room = this.directory.bytesMax - this.directory.bytes;
    const bytesMax = events.reduce((sum, event) => sum + frameBytesMax(event), 0);
    if (this.buffer.length < bytesMax) this.buffer = Buffer.allocUnsafe(bytesMax);
    let [end, kept, tooLarge] = [0, 0, 0];
    for (const event of events) {
      const frameEnd = writeFrame(this.buffer, end, this.sequenceNext + kept, event);
      if (frameEnd - end > FRAME_HEAD_BYTES + EVENT_BYTES_MAX) {
        tooLarge += 1;
        continue;
      }
      if (frameEnd > room) break;
      end = frameEnd;
      kept += 1;
    }
    try {
      writeAll(segment.fd, this.buffer, end, segment.bytes);
    } catch (error) {
      this.writing = undefined;
      // Should this fail too, the next segment's header tells that the sequences of these frames were given to others.
      attempt(() => fs.ftruncateSync(segment.fd, segment.bytes));
      this.removeRead();
      return { dropped: [{ reason: 'disk', events: events.length }], error };
    }
    this.extend(segment, end, kept);
    if (kept === events.length) return undefined;
    const refused: Refused['dropped'] = [
      { reason: 'too_large', events: tooLarge },
      { reason: 'full', events: events.length - kept - tooLarge },
    ];
    return { dropped: refused.filter((drop) => drop.events > 0) };
  }

  private extend(segment: Segment, bytes: number, events: number): void {
    if (events === 0) return;
    const [from, firstSequence] = [segment.bytes, this.sequenceNext];
    segment.bytes += bytes;
    this.sequenceNext += events;
    const lastSequence = this.sequenceNext - 1;
    const run = segment.runs.at(-1);
    if (run?.to === from) Object.assign(run, { to: segment.bytes, lastSequence });
    else segment.runs.push({ from, to: segment.bytes, firstSequence, lastSequence });
    this.directory.resized(bytes);
    this.unsynced.add(segment);
  }

  private writableSegment(): Segment {
    const { path: directory, bytesMax, fsync } = this.directory;
    if (this.writing !== undefined && this.writing.bytes < Math.min(SEGMENT_BYTES, bytesMax / 8))
      return this.writing;
    const name = `${this.identity.incarnation}.${String(this.segmentNumber + 1).padStart(6, '0')}.spool`;
    const path = join(directory, name);
    const head = encodeHeader({ format: SPOOL_FORMAT, ...this.identity, firstSequence: this.sequenceNext });
    const fd = fs.openSync(path, 'wx+', 0o600);
    try {
      writeAll(fd, head, head.length, 0);
      if (fsync) syncDirectory(directory);
    } catch (error) {
      attempt(() => fs.unlinkSync(path));
      fs.closeSync(fd);
      throw error;
    }
    this.segmentNumber += 1;
    this.writing = { path, fd, bytes: head.length, runs: [] };
    this.segments.push(this.writing);
    this.directory.resized(head.length);
    this.removeRead();
    return this.writing;
  }

  /** One sync at a time: those who ask meanwhile share the one after it. */
  sync(): Promise<void> {
    this.nextSync ??= this.syncing
      .catch(() => undefined)
      .then(() => {
        this.nextSync = undefined;
        const segments = [...this.unsynced];
        this.unsynced.clear();
        this.syncing = Promise.all(segments.map(({ fd }) => fdatasync(fd))).then(() => undefined);
        return this.syncing;
      });
    return this.nextSync;
  }

  async next({ eventsMax, bytesMax }: BatchLimits): Promise<SpoolBatch | undefined> {
    for (;;) {
      const segment = this.segments.find(({ runs }) => runs.length > 0);
      const run = segment?.runs[0];
      if (segment === undefined || run === undefined) return undefined;
      const length = Math.min(run.to - run.from, bytesMax + FRAME_HEAD_BYTES + EVENT_BYTES_MAX);
      const read = await readAt(segment.fd, Buffer.allocUnsafe(length), 0, length, run.from);
      const limits = { eventsMax, bytesMax };
      const found = readEvents(read.buffer.subarray(0, read.bytesRead), run.firstSequence, limits);
      if (found.events.length > 0) {
        const batch = { firstSequence: run.firstSequence, events: found.events };
        this.given = { batch, run, to: run.from + found.length };
        return batch;
      }
      await this.inspectAgain(segment, run);
    }
  }

  /** What was written well reads badly: goes on with what can still be read. */
  private async inspectAgain(segment: Segment, run: FrameRun): Promise<void> {
    const { from, to, firstSequence, lastSequence } = run;
    const read = await readAt(segment.fd, Buffer.allocUnsafe(to - from), 0, to - from, from);
    const runs = findRuns(read.buffer.subarray(0, read.bytesRead), 0, firstSequence, lastSequence + 1);
    for (const missing of missingSequences(runs, firstSequence, lastSequence + 1)) {
      this.directory.onDamage({ path: segment.path, missing, reason: 'events in it are damaged' });
    }
    const readable = runs.map((part) => ({ ...part, from: part.from + from, to: part.to + from }));
    // Events may have been appended meanwhile.
    if (run.to > to) readable.push({ ...run, from: to, firstSequence: lastSequence + 1 });
    segment.runs.splice(segment.runs.indexOf(run), 1, ...readable);
    this.removeRead();
  }

  acknowledge(batch: SpoolBatch): void {
    if (this.given?.batch !== batch)
      throw new Error('only the batch given last can be acknowledged, and once');
    const { run, to } = this.given;
    this.given = undefined;
    run.from = to;
    run.firstSequence += batch.events.length;
    this.removeRead();
  }

  discard(): number {
    const { pending } = this;
    this.given = undefined;
    for (const segment of this.segments) segment.runs = [];
    this.removeRead();
    return pending;
  }

  seal(): void {
    this.sealed = true;
    this.writing = undefined;
    this.removeRead();
  }

  async release(): Promise<void> {
    this.seal();
    await this.nextSync?.catch(() => undefined);
    await this.syncing.catch(() => undefined);
    for (const { fd, bytes } of this.segments) {
      fs.closeSync(fd);
      this.directory.resized(-bytes);
    }
    this.segments = [];
    await this.unlock();
  }

  /** Removes segments that are acknowledged as a whole. */
  private removeRead(): void {
    for (const segment of this.segments) {
      const first = segment.runs[0];
      if (first !== undefined && first.from >= first.to) segment.runs.shift();
    }
    const read = this.segments.filter((segment) => segment.runs.length === 0 && segment !== this.writing);
    for (const segment of read) {
      attempt(() => fs.unlinkSync(segment.path));
      this.unsynced.delete(segment);
      // A sync may be using the descriptor: it is closed after it.
      void this.syncing.catch(() => undefined).then(() => fs.closeSync(segment.fd));
      this.directory.resized(-segment.bytes);
    }
    if (read.length > 0) this.segments = this.segments.filter((segment) => !read.includes(segment));
  }
}

function writeAll(fd: number, bytes: Buffer, length: number, position: number): void {
  for (let written = 0; written < length; ) {
    written += fs.writeSync(fd, bytes, written, length - written, position + written);
  }
}

function syncDirectory(path: string): void {
  const fd = fs.openSync(path, 'r');
  try {
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}

function attempt(work: () => void): void {
  try {
    work();
  } catch {
    // The caller says why it can go on.
  }
}
