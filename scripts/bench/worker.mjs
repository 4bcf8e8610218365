/** A child process that does one thing when it is asked to, so that what is measured shares no event loop with the measuring. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** Starts `scripts/bench/<name>.mjs`; `ask(question)` resolves to its answer, and all rejects when the process ends. */
export async function startWorker(name, options = {}) {
  const child = fork(join(import.meta.dirname, `${name}.mjs`), [], { serialization: 'advanced' });
  const exited = once(child, 'exit').then(([code, signal]) => {
    throw new Error(`${name} has ended with ${signal ?? code}`);
  });
  exited.catch(() => undefined);
  const ask = async (question) => {
    child.send(question);
    const [answer] = await Promise.race([once(child, 'message'), exited]);
    if (answer.error !== undefined) throw new Error(`${name}: ${answer.error}`);
    return answer;
  };
  return {
    pid: child.pid,
    started: await ask({ start: options }),
    ask,
    async stop() {
      child.disconnect();
      await exited.catch(() => undefined);
    },
  };
}

/** The child's side: `start(options)` resolves to `{ started, answer, stop }`, which are told and asked one at a time. */
export function serveWorker(start) {
  let part;
  process.on('message', async (question) => {
    try {
      if (part === undefined) {
        part = await start(question.start);
        process.send(part.started ?? {});
      } else process.send(await part.answer(question));
    } catch (error) {
      process.send({ error: error.stack ?? String(error) });
    }
  });
  process.on('disconnect', async () => {
    await part?.stop?.();
    process.exit(0);
  });
}
