import * as fc from 'fast-check';
import {
  decodeHeader,
  encodeHeader,
  EVENT_BYTES_MAX,
  findRuns,
  frameBytesMax,
  missingSequences,
  readEvents,
  readFrame,
  type SegmentHeader,
  writeFrame,
} from './spool-format.js';

const jsonEvents = fc.array(
  fc.string({ unit: 'binary', maxLength: 60 }).map((text) => JSON.stringify({ text })),
  { minLength: 1, maxLength: 20 },
);

/** Frames with sequences from `first` on, and where each ends. */
function framesOf(events: readonly string[], first = 1): { bytes: Buffer; ends: number[] } {
  const target = Buffer.alloc(events.reduce((sum, event) => sum + frameBytesMax(event), 0));
  const ends: number[] = [];
  for (const [index, event] of events.entries())
    ends.push(writeFrame(target, ends.at(-1) ?? 0, first + index, event));
  return { bytes: Buffer.from(target.subarray(0, ends.at(-1))), ends };
}

function sequencesOf(bytes: Buffer, runs: ReturnType<typeof findRuns>): number[] {
  return runs.flatMap((run) => {
    const sequences: number[] = [];
    for (let at = run.from; at < run.to; ) {
      const frame = readFrame(bytes, at);
      if (frame === undefined) throw new Error('a run has a hole');
      sequences.push(frame.sequence);
      at = frame.end;
    }
    return sequences;
  });
}

describe('a spool segment', () => {
  it('gives back every event it was given, in order', () => {
    fc.assert(
      fc.property(jsonEvents, fc.integer({ min: 1, max: 2 ** 47 }), (events, first) => {
        const { bytes } = framesOf(events, first);
        const read = readEvents(bytes, first, { eventsMax: 1000, bytesMax: 1e6 });
        expect(read.events.map(String)).toEqual(events);
        expect(read.length).toBe(bytes.length);
      }),
    );
  });

  it('cut at any byte gives exactly the events that were wholly written, and calls nothing missing', () => {
    fc.assert(
      fc.property(jsonEvents, fc.double({ min: 0, max: 1, noNaN: true }), (events, where) => {
        const { bytes, ends } = framesOf(events);
        const cut = Math.floor(bytes.length * where);
        const runs = findRuns(bytes.subarray(0, cut), 0, 1);
        const whole = ends.filter((end) => end <= cut).length;
        expect(sequencesOf(bytes, runs)).toEqual(Array.from({ length: whole }, (_, i) => i + 1));
        expect(missingSequences(runs, 1, whole + 1)).toEqual([]);
      }),
    );
  });

  it('with any byte changed loses no other event than the one that byte belongs to, and tells which', () => {
    fc.assert(
      fc.property(jsonEvents, fc.nat(), fc.integer({ min: 1, max: 255 }), (events, position, flip) => {
        const { bytes, ends } = framesOf(events);
        const at = position % bytes.length;
        bytes[at] = (bytes[at] as number) ^ flip;
        const damaged = ends.findIndex((end) => at < end) + 1;
        const runs = findRuns(bytes, 0, 1);
        const expected = events.map((_, i) => i + 1).filter((sequence) => sequence !== damaged);
        expect(sequencesOf(bytes, runs)).toEqual(expected);
        expect(missingSequences(runs, 1, events.length + 1)).toEqual([{ from: damaged, to: damaged }]);
      }),
    );
  });

  it('never takes bytes inside an event for a frame, even if a client wrote them there', () => {
    const inner = framesOf([JSON.stringify({ forged: true })], 7).bytes;
    const event = JSON.stringify({ route: inner.toString('latin1') });
    const { bytes } = framesOf([event, event]);
    bytes[4] = (bytes[4] as number) ^ 1; // The first frame is damaged, so the reader searches through it.
    expect(sequencesOf(bytes, findRuns(bytes, 0, 1))).toEqual([2]);
  });

  it('gives no sequences outside those asked for', () => {
    const { bytes } = framesOf(['1', '2', '3', '4', '5']);
    expect(sequencesOf(bytes, findRuns(bytes, 0, 2, 4))).toEqual([2, 3]);
  });

  it('fills a batch up to its limits, and gives an event that is larger than them alone', () => {
    const events = ['"aaaa"', '"bbbb"', `"${'c'.repeat(100)}"`, '"dddd"'];
    const { bytes, ends } = framesOf(events);
    const texts = (eventsMax: number, bytesMax: number, from = 0) =>
      readEvents(bytes.subarray(ends[from - 1] ?? 0), from + 1, { eventsMax, bytesMax }).events.map(String);
    expect(texts(2, 1000)).toEqual(events.slice(0, 2));
    expect(texts(9, 12)).toEqual(events.slice(0, 2));
    expect(texts(9, 12, 2)).toEqual(events.slice(2, 3));
  });

  it('holds the largest event that is allowed', () => {
    const event = `"${'x'.repeat(EVENT_BYTES_MAX - 2)}"`;
    const { bytes } = framesOf([event, '"next"']);
    expect(readEvents(bytes, 1, { eventsMax: 2, bytesMax: 1e6 }).events.map(String)).toEqual([
      event,
      '"next"',
    ]);
  });
});

describe('the first line of a segment', () => {
  const header: SegmentHeader = {
    format: 1,
    incarnation: '3f0c8b1e-53a9-4b8f-9c5e-2f6f5f1f7d10',
    topic: 'latchkey.requests.v1',
    partition: 7,
    createdAtMs: 1_790_000_000_000,
    firstSequence: 42,
  };

  it('is read back with the place where the events begin', () => {
    const line = encodeHeader(header);
    const { bytes } = framesOf(['1']);
    expect(decodeHeader(Buffer.concat([line, bytes]))).toEqual({ header, length: line.length });
  });

  it('is refused when it is cut or changed anywhere', () => {
    const line = encodeHeader(header);
    for (let at = 0; at < line.length; at += 1) {
      expect(decodeHeader(line.subarray(0, at))).toBeUndefined();
      const changed = Buffer.from(line);
      changed[at] = (changed[at] as number) ^ 1;
      expect(decodeHeader(changed)).toBeUndefined();
    }
  });
});
