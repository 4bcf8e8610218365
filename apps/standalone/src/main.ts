import { withFiles } from '#libs/service-kit/file-environment';
import { runProcess } from '#libs/service-kit/process-main';
import { readConfig } from './config.js';
import { serve } from './serve.js';

// A first start takes seconds: ended in the middle, it lets go of what it has and leaves no PostgreSQL behind.
const interrupted = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => interrupted.abort());

await runProcess(async () => {
  try {
    const running = await serve(readConfig(withFiles(process.env)), interrupted.signal);
    void running.broken.then(giveUp);
    return running;
  } catch (error) {
    if (error === interrupted.signal.reason) process.exit(0);
    throw error;
  }
});

/** As after kill -9: what was answered lies in the spools, and the next start takes over the lock. */
function giveUp(error: Error): never {
  process.stderr.write(`${error.name}: ${error.message}\n`);
  process.exit(1);
}
