import { randomUUID } from 'node:crypto';
import { link, open, readFile, rename, rm } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';

/** The process that wrote a lock file; `startTime` is field 22 of /proc/<pid>/stat, null where there is no /proc. */
export interface LockOwner {
  readonly pid: number;
  readonly startTime: string | null;
  readonly hostname: string;
}

/** Held until `release()` or the death of this process, whichever comes first. */
export interface ProcessLock {
  readonly path: string;
  release(): Promise<void>;
}

/** Another living process, or a process of another host whose life cannot be seen from here, has the lock. */
export class LockHeld extends Error {
  readonly pid: number;
  readonly hostname: string;

  constructor(
    readonly path: string,
    owner: LockOwner,
  ) {
    super(`${path} is held by process ${owner.pid} on ${owner.hostname}`);
    this.name = 'LockHeld';
    this.pid = owner.pid;
    this.hostname = owner.hostname;
  }
}

/**
 * Takes the lock file at `path` for this process, or throws `LockHeld` naming its owner. The lock of a process that
 * died on this host is taken over; a lock from another host never is, so on a volume that outlives its container
 * the container needs a fixed host name.
 */
export async function acquireProcessLock(path: string): Promise<ProcessLock> {
  for (;;) {
    if (await place(path, 'if absent')) return held(path);
    const found = await readLock(path);
    if (found === null) continue;
    if (found.owner.hostname !== hostname() || isAlive(found.owner)) throw new LockHeld(path, found.owner);
    if (await takeOver(path, found.text)) return held(path);
  }
}

/**
 * Replaces a dead process's lock. Two processes that both saw it dead must not both replace it, nor may the slower one
 * replace the faster one's fresh lock: the replacing is itself under a lock, and looks again inside it. Whoever dies
 * in there leaves a stale inner lock, which is taken over in the same way.
 */
async function takeOver(path: string, staleText: string): Promise<boolean> {
  let inner: ProcessLock;
  try {
    inner = await acquireProcessLock(`${path}.takeover`);
  } catch (error) {
    if (!(error instanceof LockHeld)) throw error;
    await delay(5);
    return false;
  }
  try {
    const current = await readLock(path);
    return current?.text === staleText && (await place(path, 'replacing'));
  } finally {
    await inner.release();
  }
}

/** The file appears under its name complete and on disk, so a reader never meets half of it, not even after a power cut. */
async function place(path: string, mode: 'if absent' | 'replacing'): Promise<boolean> {
  const own: LockOwner = {
    pid: process.pid,
    startTime: processStat(process.pid)?.startTime ?? null,
    hostname: hostname(),
  };
  const prepared = `${path}.${randomUUID()}`;
  const file = await open(prepared, 'wx', 0o600);
  try {
    await file.writeFile(`${JSON.stringify(own)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  if (mode === 'replacing') {
    await rename(prepared, path);
    return true;
  }
  try {
    await link(prepared, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(prepared, { force: true });
  }
}

function held(path: string): ProcessLock {
  let released = false;
  return {
    path,
    async release() {
      if (released) return;
      released = true;
      await rm(path, { force: true });
    },
  };
}

async function readLock(path: string): Promise<{ owner: LockOwner; text: string } | null> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  return { owner: parseLockOwner(text, path), text };
}

/** Reads the content of a lock file; throws when the file is something else, since that must not be overwritten. */
export function parseLockOwner(text: string, path: string): LockOwner {
  let parsed: Partial<LockOwner> | null;
  try {
    parsed = JSON.parse(text) as Partial<LockOwner> | null;
  } catch {
    parsed = null;
  }
  if (typeof parsed?.pid !== 'number' || typeof parsed.hostname !== 'string') {
    throw new Error(`${path} is not a lock file: move it away`);
  }
  return { pid: parsed.pid, startTime: parsed.startTime ?? null, hostname: parsed.hostname };
}

/** A process number is used again after a while, a pair of number and start time is not. */
function isAlive(owner: LockOwner): boolean {
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  const stat = processStat(owner.pid);
  if (stat === null || owner.startTime === null) return true;
  return !stat.ended && stat.startTime === owner.startTime;
}

/** `ended` is a zombie: dead, with a parent that has not asked for its exit code yet. */
function processStat(pid: number): { startTime: string; ended: boolean } | null {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return null;
  }
  // The second field is the command in brackets, which may itself hold spaces and brackets.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, startTime] = [fields[0], fields[19]];
  return startTime === undefined ? null : { startTime, ended: state === 'Z' || state === 'X' };
}
