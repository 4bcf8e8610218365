import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { eventually } from './eventually.js';

/** How a process ended: by its own exit code or by a signal, the other one is null. */
export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A compiled service, or another program, as a real process. */
export interface SpawnedProcess {
  /** Of Node itself, not of a wrapper. */
  readonly pid: number;
  /** Every line written so far. */
  readonly stdout: readonly string[];
  readonly stderr: readonly string[];
  readonly exited: Promise<ProcessEnd>;
  /** Null while it runs. */
  readonly end: ProcessEnd | null;
  /** The first line of stdout that matches; throws with the whole output when none comes or the process ends first. */
  untilLine(pattern: RegExp, timeoutMs?: number): Promise<string>;
  /** Resolves when a GET answers 200, by default at /health/ready; throws as `untilLine` does. */
  untilReady(httpPort: number, options?: { path?: string; timeoutMs?: number }): Promise<void>;
  /** Sends a signal, such as SIGSTOP, without waiting for anything; nothing happens once it has ended. */
  signal(signal: NodeJS.Signals): void;
  /** Sends a signal and waits for the end. */
  kill(signal?: NodeJS.Signals): Promise<ProcessEnd>;
}

const START_TIMEOUT_MS = 30_000;
// By its full path: the environment of the process may name another PATH.
const setpriv = spawnSync('/bin/sh', ['-c', 'command -v setpriv'], { encoding: 'utf8' }).stdout.trim();
const dieWithParent = setpriv === '' ? [] : [setpriv, '--pdeathsig', 'KILL', '--'];

/** Starts `dist/apps/<app>/src/main.js` with nothing in its environment but `env`, PATH and HOME. */
export function spawnService(app: string, env: NodeJS.ProcessEnv, checkout = process.cwd()): SpawnedProcess {
  const main = resolve(checkout, 'dist', 'apps', app, 'src', 'main.js');
  if (!existsSync(main)) throw new Error(`${main} is missing: npm run build`);
  return spawnNode([main], env, checkout);
}

/** Starts Node with `args` in the checkout, or in `cwd`, with nothing in its environment but `env`, PATH and HOME. */
export function spawnNode(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  cwd = process.cwd(),
): SpawnedProcess {
  const [program = process.execPath, ...rest] = [...dieWithParent, process.execPath, ...args];
  const inherited = { PATH: process.env['PATH'], HOME: process.env['HOME'] };
  const child = spawn(program, rest, {
    cwd,
    // In a session of its own Ctrl-C reaches only its parent, which then ends it in order.
    detached: dieWithParent.length > 0,
    env: { ...inherited, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const stdout: string[] = [];
  const stderr: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => stdout.push(line));
  createInterface({ input: child.stderr }).on('line', (line) => stderr.push(line));
  let end: ProcessEnd | null = null;
  const exited = new Promise<ProcessEnd>((resolvePromise, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolvePromise((end = { code, signal })));
  });

  /** Waits for `check`, but no longer than the process lives. */
  const whileAlive = async <T>(check: () => T | Promise<T>, timeoutMs: number): Promise<T> => {
    const attempt = async () => {
      try {
        return { value: await check() };
      } catch (error) {
        if (end === null) throw error;
        return { failure: `${args[0]} has ended with ${end.signal ?? end.code}` };
      }
    };
    const result = await eventually(attempt, { timeoutMs }).catch((error: unknown) => ({
      failure: String(error),
    }));
    if ('failure' in result) throw new Error(`${result.failure}\n${[...stdout, ...stderr].join('\n')}`);
    return result.value;
  };

  return {
    pid: child.pid ?? 0,
    stdout,
    stderr,
    exited,
    get end() {
      return end;
    },
    untilLine: (pattern, timeoutMs = START_TIMEOUT_MS) =>
      whileAlive(() => {
        const line = stdout.find((candidate) => pattern.test(candidate));
        if (line === undefined) throw new Error(`no line matches ${pattern}`);
        return line;
      }, timeoutMs),
    untilReady: (httpPort, { path = '/health/ready', timeoutMs = START_TIMEOUT_MS } = {}) =>
      whileAlive(async () => {
        const response = await fetch(`http://127.0.0.1:${httpPort}${path}`);
        if (response.status !== 200)
          throw new Error(`${path} answers ${response.status}: ${await response.text()}`);
      }, timeoutMs),
    signal(signal) {
      if (end === null) child.kill(signal);
    },
    async kill(signal = 'SIGTERM') {
      this.signal(signal);
      return exited;
    },
  };
}
