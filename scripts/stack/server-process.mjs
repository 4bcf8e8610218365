/** A server as a child process that never outlives this one and whose last words are known. */
import { spawn, spawnSync } from 'node:child_process';
import { openSync, closeSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

const STOP_TIMEOUT_MS = 30_000;
const dieWithParent =
  spawnSync('setpriv', ['--version'], { stdio: 'ignore' }).status === 0
    ? ['setpriv', '--pdeathsig', 'TERM', '--']
    : [];

/** Starts `command` with its output in `logPath`, in a session of its own so that Ctrl-C reaches only this process. */
export function startServer([command, ...args], { cwd, logPath }) {
  const log = openSync(logPath, 'a');
  const [program, ...rest] = [...dieWithParent, command, ...args];
  const child = spawn(program, rest, { cwd, detached: true, stdio: ['ignore', log, log] });
  closeSync(log);
  const server = { pid: child.pid, ended: false, logTail: () => lastLines(logPath) };
  const exited = new Promise((resolve) => {
    const end = () => {
      server.ended = true;
      resolve();
    };
    child.once('exit', end);
    child.once('error', end);
  });
  server.stop = async () => {
    if (!server.ended) child.kill('SIGTERM');
    const timeout = delay(STOP_TIMEOUT_MS, undefined, { ref: false }).then(() => child.kill('SIGKILL'));
    await Promise.race([exited, timeout]);
    await exited;
  };
  server.kill = async () => {
    child.kill('SIGKILL');
    await exited;
  };
  return server;
}

function lastLines(path) {
  return readFileSync(path, 'utf8').trimEnd().split('\n').slice(-20).join('\n');
}
