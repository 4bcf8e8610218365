import type { CountedOutcome, RequestEvent } from '#libs/contracts';
import { isUse, namesLiveKey } from './request-batch.js';
import { quarterOf } from '../querying/usage-window.js';

export interface CountChange {
  tenantId: string;
  keyId: string;
  /** Start of the quarter of an hour, milliseconds since the epoch. */
  quarterMs: number;
  outcome: CountedOutcome;
  count: number;
}

/** Latest times of a key among some events, milliseconds since the epoch; null where no event says so. */
export interface ActivityChange {
  tenantId: string;
  keyId: string;
  lastUsedAtMs: number | null;
  lastAuthenticatedAtMs: number | null;
}

export interface CounterChanges {
  counts: CountChange[];
  activity: ActivityChange[];
}

/**
 * What some events change, one row for each counter and key. All who write counters go through them in the order of
 * these lists, so that two transactions never wait for each other.
 */
export function counterChanges(events: readonly RequestEvent[]): CounterChanges {
  const counts = new Map<string, CountChange>();
  const activity = new Map<string, ActivityChange>();
  for (const event of events) {
    const { tenantId, keyId, outcome, occurredAtMs } = event;
    const quarterMs = quarterOf(occurredAtMs);
    const key = `${tenantId} ${keyId}`;
    const counter = `${key} ${quarterMs} ${outcome}`;
    const count = counts.get(counter);
    if (count === undefined) counts.set(counter, { tenantId, keyId, quarterMs, outcome, count: 1 });
    else count.count += 1;
    let change = activity.get(key);
    if (change === undefined) {
      change = { tenantId, keyId, lastUsedAtMs: null, lastAuthenticatedAtMs: null };
      activity.set(key, change);
    }
    if (isUse(event)) change.lastUsedAtMs = Math.max(change.lastUsedAtMs ?? 0, occurredAtMs);
    if (namesLiveKey(event)) {
      change.lastAuthenticatedAtMs = Math.max(change.lastAuthenticatedAtMs ?? 0, occurredAtMs);
    }
  }
  return { counts: inOrder(counts), activity: inOrder(activity) };
}

function inOrder<Value>(rows: ReadonlyMap<string, Value>): Value[] {
  return [...rows].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
}
