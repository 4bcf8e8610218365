import { createRequire } from 'node:module';

/** An inner part of kafkajs. */
interface RequestQueue {
  readonly pending: readonly unknown[];
  readonly throttledUntil: number;
  scheduleCheckPendingRequests: (this: RequestQueue) => void;
}

/**
 * Lets connections of kafkajs rest. In 2.2.4 a connection that has had its first answer looks some thousand times a
 * second, for as long as it is open, whether requests wait to be sent
 * (https://github.com/tulios/kafkajs/issues/1556): that was more than half of what an idle service did. Every answer
 * looks too, so only where something waits, or the broker throttles, is a timer needed.
 */
export function restWhenIdle(): void {
  const { prototype } = createRequire(import.meta.url)('kafkajs/src/network/requestQueue') as {
    prototype: RequestQueue;
  };
  const schedule = prototype.scheduleCheckPendingRequests;
  prototype.scheduleCheckPendingRequests = function scheduleWhereSomethingWaits() {
    if (this.pending.length > 0 || this.throttledUntil > Date.now()) schedule.call(this);
  };
}
