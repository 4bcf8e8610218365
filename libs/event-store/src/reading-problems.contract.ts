import type { StoredEvent } from './event-store.js';

/** How what a follower saw differs from what is stored: events lost, seen twice, or out of their stream's order. */
export function readingProblems(followed: readonly StoredEvent[], stored: readonly StoredEvent[]): string[] {
  const problems: string[] = [];
  const seen = new Map<number, number>();
  const versions = new Map<string, number>();
  for (const { position, streamId, version } of followed) {
    seen.set(position, (seen.get(position) ?? 0) + 1);
    if (version <= (versions.get(streamId) ?? 0)) problems.push(`${streamId} ${version} out of order`);
    versions.set(streamId, version);
  }
  for (const { position, streamId, version } of stored) {
    const times = seen.get(position) ?? 0;
    if (times !== 1) problems.push(`${streamId} ${version} seen ${times} times`);
  }
  return problems;
}
