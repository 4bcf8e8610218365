import { encodeHeader, frameBytesMax, writeFrame } from './spool-format.js';
import { type ReadSegment, recoverSpool } from './spool-recovery.js';

const identity = {
  incarnation: '3f0c8b1e-53a9-4b8f-9c5e-2f6f5f1f7d10',
  topic: 'latchkey.requests.v1',
  partition: 3,
  createdAtMs: 1_790_000_000_000,
};

/** A segment whose events have the sequences given. */
function segment(firstSequence: number, sequences: readonly number[], format = 1): Buffer {
  const frames = sequences.map((sequence) => {
    const event = JSON.stringify({ sequence });
    const target = Buffer.alloc(frameBytesMax(event));
    return target.subarray(0, writeFrame(target, 0, sequence, event));
  });
  return Buffer.concat([encodeHeader({ format, ...identity, firstSequence }), ...frames]);
}

function recover(files: Record<string, Buffer>) {
  const read: ReadSegment = (path, bytesMax) =>
    Promise.resolve((files[path] as Buffer).subarray(0, bytesMax));
  return recoverSpool(Object.keys(files), read);
}

const ranges = (recovery: Awaited<ReturnType<typeof recover>>) =>
  recovery.segments.map(({ runs }) => runs.map((run) => [run.firstSequence, run.lastSequence]));

describe('recovering a spool', () => {
  it('finds whose events they are and all of them', async () => {
    const recovery = await recover({ a: segment(5, [5, 6]), b: segment(7, [7, 8, 9]) });
    expect(recovery.identity).toEqual(identity);
    expect(ranges(recovery)).toEqual([[[5, 6]], [[7, 9]]]);
    expect(recovery.missing).toEqual([]);
  });

  it('ignores a torn last write without calling anything missing', async () => {
    const recovery = await recover({ a: segment(1, [1, 2, 3]).subarray(0, -3) });
    expect(ranges(recovery)).toEqual([[[1, 2]]]);
    expect(recovery.missing).toEqual([]);
  });

  it('tells of a tail that is missing where a later segment shows that there was one', async () => {
    const recovery = await recover({ a: segment(1, [1, 2, 3]).subarray(0, -3), b: segment(4, [4]) });
    expect(ranges(recovery)).toEqual([[[1, 2]], [[4, 4]]]);
    expect(recovery.missing).toEqual([{ path: 'a', missing: { from: 3, to: 3 } }]);
  });

  it('tells of a segment that is missing', async () => {
    const recovery = await recover({ a: segment(1, [1]), c: segment(6, [6]) });
    expect(recovery.missing).toEqual([{ path: 'a', missing: { from: 2, to: 5 } }]);
  });

  it('takes frames of a failed write for what they are: their sequences were given to other events', async () => {
    const recovery = await recover({ a: segment(1, [1, 2, 3, 4]), b: segment(3, [3]) });
    expect(ranges(recovery)).toEqual([[[1, 2]], [[3, 3]]]);
    expect(recovery.missing).toEqual([]);
  });

  it('knows a file whose process died while it wrote the first line', async () => {
    const recovery = await recover({ a: segment(1, []).subarray(0, 20), b: Buffer.alloc(0) });
    expect(recovery).toMatchObject({ identity: undefined, empty: ['a', 'b'], unreadable: [] });
  });

  it('sets aside a file with events but without a first line, and tells which events the others show as missing', async () => {
    const damaged = segment(3, [3, 4]);
    damaged[0] = 0;
    const recovery = await recover({ a: segment(1, [1, 2]), b: damaged, c: segment(5, [5]) });
    expect(recovery.unreadable).toEqual([{ path: 'b', reason: 'its first line is damaged' }]);
    expect(recovery.missing).toEqual([{ path: 'a', missing: { from: 3, to: 4 } }]);
  });

  it('leaves a format it does not know alone', async () => {
    const recovery = await recover({ a: segment(1, [1], 2) });
    expect(recovery).toMatchObject({
      identity: undefined,
      unreadable: [{ path: 'a', reason: 'its format is 2' }],
    });
  });
});
