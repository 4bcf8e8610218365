import { setTimeout as delay } from 'node:timers/promises';

/** How long and how often to try. */
export interface EventuallyOptions {
  readonly timeoutMs?: number;
  readonly everyMs?: number;
}

/** Repeats `check` until it does not throw and returns its result; when the time is over its last error is thrown. */
export async function eventually<T>(
  check: () => T | Promise<T>,
  { timeoutMs = 10_000, everyMs = 50 }: EventuallyOptions = {},
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() + everyMs > deadline) throw error;
    }
    await delay(everyMs);
  }
}
