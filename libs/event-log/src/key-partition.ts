import { createHash } from 'node:crypto';

/** The partition of a key: the same for ever, as long as the topic keeps its partition count. */
export function partitionOf(key: string, partitions: number): number {
  return createHash('sha256').update(key).digest().readUInt32BE(0) % partitions;
}
