import * as fc from 'fast-check';
import { checkCounts, occurrences } from '#libs/testing/count-check';
import { admit, type Run } from './sequence-admission.js';

/** A reader of one incarnation that keeps what is parked, as the store does. */
class Reader {
  readonly counted: string[] = [];
  private lastSequence = 0;
  private readonly parked = new Map<number, string>();

  receive(runs: Run<string>[]): void {
    const arrived = admit(this.lastSequence, runs);
    this.take(arrived);
    for (;;) {
      const waiting = [...this.parked]
        .toSorted(([a], [b]) => a - b)
        .map(([firstSequence, event]) => ({ firstSequence, events: [event] }));
      const admission = admit(this.lastSequence, waiting);
      for (const sequence of this.parked.keys())
        if (sequence <= admission.lastSequence) this.parked.delete(sequence);
      this.take(admission);
      if (admission.taken.length === 0) return;
    }
  }

  private take({ taken, lastSequence, parked }: ReturnType<typeof admit<string>>): void {
    this.counted.push(...taken);
    this.lastSequence = lastSequence;
    for (const run of parked) {
      for (const [index, event] of run.events.entries()) this.parked.set(run.firstSequence + index, event);
    }
  }
}

const run = (firstSequence: number, ...events: string[]): Run<string> => ({ firstSequence, events });

describe('admitting events', () => {
  it('takes the next ones and tells the last sequence', () => {
    expect(admit(0, [run(1, 'a', 'b'), run(3, 'c')])).toEqual({
      lastSequence: 3,
      taken: ['a', 'b', 'c'],
      parked: [],
      dropped: 0,
    });
  });

  it('drops what was taken and takes the rest of the same message', () => {
    expect(admit(2, [run(1, 'a', 'b', 'c')])).toMatchObject({ taken: ['c'], dropped: 2, lastSequence: 3 });
  });

  it('drops a message that was taken as a whole, and the last sequence stays', () => {
    expect(admit(9, [run(1, 'a', 'b')])).toMatchObject({ taken: [], dropped: 2, lastSequence: 9 });
  });

  it('parks what comes after a gap and does not count it', () => {
    expect(admit(2, [run(4, 'd', 'e')])).toEqual({
      lastSequence: 2,
      taken: [],
      parked: [run(4, 'd', 'e')],
      dropped: 0,
    });
  });

  it('counts each event once, however its messages are packed, repeated, replayed and mixed up', () => {
    const cut = fc.record({ from: fc.nat(), length: fc.integer({ min: 1, max: 8 }) });
    const scenario = fc.record({
      events: fc.integer({ min: 1, max: 30 }),
      cuts: fc.array(cut, { maxLength: 40 }),
      batchLength: fc.integer({ min: 1, max: 5 }),
    });
    fc.assert(
      fc.property(scenario, ({ events, cuts, batchLength }) => {
        const ids = Array.from({ length: events }, (_, i) => `e${i + 1}`);
        const pieces = cuts.map(({ from, length }) => {
          const first = (from % events) + 1;
          return run(first, ...ids.slice(first - 1, first - 1 + length));
        });
        // At last the spool is replayed as a whole: then nothing may be missing.
        const messages = [...pieces, run(1, ...ids)];
        const reader = new Reader();
        for (let at = 0; at < messages.length; at += batchLength) {
          reader.receive(messages.slice(at, at + batchLength));
        }
        const counted = occurrences(reader.counted);
        expect(checkCounts({ answered: ids, received: ids, counted })).toEqual([]);
      }),
    );
  });
});
