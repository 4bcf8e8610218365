import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { LogRecord } from './event-log.js';
import { chunksOf } from './record-chunks.js';

const record = fc.record<LogRecord>({
  key: fc.option(fc.string(), { nil: null }),
  value: fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes)),
  headers: fc.dictionary(fc.string(), fc.string(), { maxKeys: 3 }),
});

describe('chunksOf', () => {
  it('keeps every record, in order', () => {
    fc.assert(
      fc.property(fc.array(record), fc.integer({ min: 1, max: 2000 }), (records, bytesMax) => {
        expect(chunksOf(records, bytesMax).flat()).toEqual(records);
      }),
    );
  });

  it('lets only a lone record be larger than the limit', () => {
    fc.assert(
      fc.property(fc.array(record), fc.integer({ min: 1, max: 2000 }), (records, bytesMax) => {
        for (const chunk of chunksOf(records, bytesMax)) {
          const valueBytes = chunk.reduce((sum, { value }) => sum + value.length, 0);
          expect(chunk.length === 1 || valueBytes <= bytesMax).toBe(true);
        }
      }),
    );
  });

  it('fills a chunk before it begins the next', () => {
    const records = Array.from({ length: 10 }, () => ({ key: null, value: Buffer.alloc(36), headers: {} }));
    expect(chunksOf(records, 300).map((chunk) => chunk.length)).toEqual([3, 3, 3, 1]);
  });

  it('makes no chunk of no records', () => {
    expect(chunksOf([], 100)).toEqual([]);
  });
});
