/**
 * Real Kafka, Redis and PostgreSQL.
 *   node scripts/stack.mjs                    prints their URLs and keeps them until SIGINT or SIGTERM
 *   node scripts/stack.mjs -- COMMAND ...     runs a command with the URLs in its environment, ends with its exit code
 * `--parts kafka,redis` brings up some of them, `--private` ignores URLs that are already in the environment, `--load`
 * sets Kafka up for throughput. A parent that opened an IPC channel may send `{ id, part, action }`, where `action` is
 * stop, kill or start, and is answered `{ id, error? }`; the stack ends when that channel closes.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { parseArgs } from 'node:util';
import { startStack } from './stack/start-stack.mjs';

const { values, positionals: command } = parseArgs({
  options: { parts: { type: 'string' }, private: { type: 'boolean' }, load: { type: 'boolean' } },
  allowPositionals: true,
});

// While servers are still starting, dying is enough: they die with this process.
const asked = new Promise((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => resolve(signal));
  process.on('disconnect', () => resolve('disconnect'));
});
const started = startStack({
  ...(values.parts && { parts: values.parts.split(',') }),
  ...(values.private && { given: {} }),
  load: values.load ?? false,
});
const stack = await Promise.race([started, asked]).catch((error) => {
  console.error(error.message);
  process.exit(1);
});
if (typeof stack === 'string') process.exit(1);

if (command.length > 0) {
  process.exitCode = await runCommand(command);
} else {
  for (const [name, url] of Object.entries(stack.env)) console.log(`${name}=${url}`);
  if (process.send) serve();
  await asked;
}
await stack.stop();
if (process.connected) process.disconnect();

async function runCommand([program, ...args]) {
  const child = spawn(program, args, { stdio: 'inherit', env: { ...process.env, ...stack.env } });
  void asked.then((signal) => child.kill(signal === 'disconnect' ? 'SIGTERM' : signal));
  try {
    const [code, signal] = await once(child, 'exit');
    return code ?? 128 + constants.signals[signal];
  } catch (error) {
    console.error(error.message);
    return 127;
  }
}

function serve() {
  process.on('message', async ({ id, part, action }) => {
    try {
      if (!['stop', 'kill', 'start'].includes(action)) throw new Error(`there is no action ${action}`);
      await stack.parts[part][action]();
      process.send({ id });
    } catch (error) {
      process.send({ id, error: error.message });
    }
  });
  process.send({ env: stack.env });
}
