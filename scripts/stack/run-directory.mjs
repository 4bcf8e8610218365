/** Each run of the stack has a fresh directory named after its process; what killed runs left is removed by the next. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

export function makeRunDirectory(stackDirectory) {
  const runs = join(stackDirectory, 'runs');
  mkdirSync(runs, { recursive: true });
  for (const name of readdirSync(runs)) {
    if (!isRunning(Number(name.split('-')[0]))) rmSync(join(runs, name), { recursive: true, force: true });
  }
  return mkdtempSync(join(runs, `${process.pid}-`));
}

export function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code !== 'ESRCH';
  }
}
