import { uptime } from 'node:os';
import { Clocks } from './clocks.js';

/** The clocks of the operating system. Nothing that waits keeps the process running. */
export class SystemClocks extends Clocks {
  override monotonicMs(): number {
    return performance.now();
  }

  override wallMs(): number {
    return Date.now();
  }

  override bootMs(): number {
    return uptime() * 1000;
  }

  override after(delayMs: number, callback: () => void): () => void {
    const timer = setTimeout(callback, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  }
}
