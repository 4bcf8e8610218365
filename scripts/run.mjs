/** What the scripts share: the checkout's root, running a program, telling how long something took. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

export const root = resolve(import.meta.dirname, '..');

const SIGNALS = ['SIGINT', 'SIGTERM'];

/**
 * Runs a program in the checkout to its end and resolves to `{ ok, output }`; the output goes straight to the
 * terminal unless `capture` is set. Signals that would end this process are handed on to it.
 */
export async function run([program, ...args], { env = process.env, capture = false } = {}) {
  const stdio = ['ignore', capture ? 'pipe' : 'inherit', capture ? 'pipe' : 'inherit'];
  const child = spawn(program, args, { cwd: root, env, stdio });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (output += chunk));
  const handOn = (signal) => child.kill(signal);
  for (const signal of SIGNALS) process.on(signal, handOn);
  try {
    const [code] = await once(child, 'close');
    return { ok: code === 0, output };
  } catch (error) {
    return { ok: false, output: error.message };
  } finally {
    for (const signal of SIGNALS) process.off(signal, handOn);
  }
}

/** Seconds since `startMs` (of `performance.now()`), as text. */
export function secondsSince(startMs) {
  return `${((performance.now() - startMs) / 1000).toFixed(1)} s`;
}

/** Runs `main` when the script at `moduleUrl` is the one that Node was started with; a failure is its message alone. */
export async function runAsProgram(moduleUrl, main) {
  if (moduleUrl !== pathToFileURL(process.argv[1] ?? '').href) return;
  try {
    await main();
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
