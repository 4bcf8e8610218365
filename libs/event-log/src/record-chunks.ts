import type { LogRecord } from './event-log.js';

/** Bytes of framing that a stored record adds to its key, value and headers, generously. */
const FRAMING_BYTES = 64;

/**
 * Splits records, in their order, into runs of at most `bytesMax`, so that none is larger than a log takes at once. A
 * record larger than that stands alone: whether it fits is for the log to say.
 */
export function chunksOf(records: readonly LogRecord[], bytesMax: number): LogRecord[][] {
  const chunks: LogRecord[][] = [];
  let chunk: LogRecord[] = [];
  let bytes = 0;
  for (const record of records) {
    const size = sizeOf(record);
    if (chunk.length > 0 && bytes + size > bytesMax) {
      chunks.push(chunk);
      chunk = [];
      bytes = 0;
    }
    chunk.push(record);
    bytes += size;
  }
  if (chunk.length > 0) chunks.push(chunk);
  return chunks;
}

function sizeOf({ key, value, headers }: LogRecord): number {
  let bytes = FRAMING_BYTES + value.length + (key === null ? 0 : Buffer.byteLength(key));
  for (const [name, text] of Object.entries(headers)) {
    bytes += Buffer.byteLength(name) + Buffer.byteLength(text) + 8;
  }
  return bytes;
}
