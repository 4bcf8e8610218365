import * as fc from 'fast-check';
import { partitionOf } from './incarnation.js';
import { requestMessage } from './request-message.js';

describe('the message of a batch', () => {
  it('is the JSON of the batch', () => {
    fc.assert(
      fc.property(fc.uuid(), fc.nat(), fc.array(fc.jsonValue()), (incarnation, firstSequence, events) => {
        const message = requestMessage(
          incarnation,
          firstSequence,
          events.map((event) => Buffer.from(JSON.stringify(event))),
        );
        const expected = JSON.stringify({ incarnation, firstSequence, events });
        expect(message.toString()).toBe(expected);
      }),
    );
  });
});

describe('the partition of an incarnation', () => {
  it('is the same for ever and one of those that exist', () => {
    expect(partitionOf('3f0c8b1e-53a9-4b8f-9c5e-2f6f5f1f7d10', 12)).toBe(8);
    fc.assert(
      fc.property(fc.uuid(), fc.integer({ min: 1, max: 100 }), (incarnation, partitions) => {
        const partition = partitionOf(incarnation, partitions);
        expect(partition).toBeGreaterThanOrEqual(0);
        expect(partition).toBeLessThan(partitions);
      }),
    );
  });

  it('spreads incarnations over all partitions', () => {
    const used = new Set(fc.sample(fc.uuid(), 500).map((incarnation) => partitionOf(incarnation, 12)));
    expect(used.size).toBe(12);
  });
});
