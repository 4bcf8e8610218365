import type { StoredEvent } from '#libs/event-store';

/** One entry of a key's history as its operator sees it. */
export interface HistoryEntry {
  type: string;
  version: number;
  at: string;
  actor: { type: string; id: string };
  sourceAddress: string | null;
  reason: string | null;
  requestId: string | null;
  traceId: string | null;
  data: object;
}

/** The stored event without what proves a secret: digests stay inside. */
export function historyEntryOf(event: StoredEvent): HistoryEntry {
  const { digest: _, ...data } = event.data as { digest?: string };
  return {
    type: event.type,
    version: event.version,
    at: new Date(event.recordedAtMs).toISOString(),
    ...event.metadata,
    data,
  };
}
