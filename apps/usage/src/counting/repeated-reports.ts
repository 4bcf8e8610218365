import type { RequestEvent } from '#libs/contracts';

/** A report with the same request id within this time of the counted one is the same report, sent again. */
export const REPEAT_WITHIN_MS = 15 * 60 * 1000;

/**
 * Reports in rounds: no request id comes twice in a round, and none again within {@link REPEAT_WITHIN_MS} of an earlier
 * one of these reports. Whether it was counted in another batch, the store knows. Each round is in the order of the ids.
 */
export function reportRounds(reports: readonly RequestEvent[]): RequestEvent[][] {
  const byId = new Map<string, RequestEvent[]>();
  for (const report of reports) {
    const id = reportId(report);
    const earlier = byId.get(id);
    if (earlier === undefined) byId.set(id, [report]);
    else if (earlier.every((other) => !isRepeat(report, other))) earlier.push(report);
  }
  const inOrder = [...byId].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, sameId]) => sameId);
  const rounds: RequestEvent[][] = [];
  for (const sameId of inOrder) {
    for (const [index, report] of sameId.entries()) (rounds[index] ??= []).push(report);
  }
  return rounds;
}

/** Tells the reports of a tenant apart. */
export function reportId({ tenantId, requestId }: { tenantId: string; requestId: string }): string {
  return `${tenantId} ${requestId}`;
}

function isRepeat(a: RequestEvent, b: RequestEvent): boolean {
  return Math.abs(a.occurredAtMs - b.occurredAtMs) <= REPEAT_WITHIN_MS;
}
