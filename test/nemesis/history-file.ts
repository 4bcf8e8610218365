import { createReadStream, createWriteStream, openSync, type WriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { HistoryLine } from './history-lines.js';

/** Writes the history of one run; its clock is the only one that the run's times are taken from. */
export class HistoryWriter {
  private readonly stream: WriteStream;
  private readonly startMs = performance.now();

  /** Throws where the file exists: what was seen is never overwritten. */
  constructor(path: string) {
    this.stream = createWriteStream(path, { fd: openSync(path, 'wx') });
  }

  /** Milliseconds since the run began, to the microsecond. */
  now(): number {
    return Math.round((performance.now() - this.startMs) * 1000) / 1000;
  }

  write(line: HistoryLine): void {
    this.stream.write(`${JSON.stringify(line)}\n`);
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.stream.end(resolve);
    });
  }
}

/** All lines of a kept history. The last may be cut short, where the run was; any other that cannot be read is an error. */
export async function readHistory(path: string): Promise<HistoryLine[]> {
  const lines: HistoryLine[] = [];
  let unreadable: Error | undefined;
  for await (const text of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
    if (unreadable !== undefined) throw unreadable;
    try {
      lines.push(JSON.parse(text) as HistoryLine);
    } catch (error) {
      unreadable = new Error(`${path}, line ${lines.length + 1}: ${(error as Error).message}`);
    }
  }
  return lines;
}
