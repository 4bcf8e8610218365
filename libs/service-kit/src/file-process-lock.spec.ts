import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { acquireProcessLock, LockHeld, parseLockOwner } from './file-process-lock.js';

const directory = mkdtempSync(join(tmpdir(), 'latchkey-lock-'));
const children: ChildProcess[] = [];
let lockNumber = 0;
const freshPath = () => join(directory, `${++lockNumber}.pid`);

const importSource = resolve('scripts', 'import-source.mjs');

function contender(path: string): ChildProcess {
  const script = `
    import { importSource } from ${JSON.stringify(importSource)};
    const { acquireProcessLock } = await importSource('libs/service-kit/src/file-process-lock.ts');
    process.stdin.once('data', async () => {
      try { await acquireProcessLock(${JSON.stringify(path)}); console.log('taken'); }
      catch (error) { console.log(error.name + ' ' + error.pid); }
      setInterval(() => {}, 1000);
    });
    console.log('ready');`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  children.push(child);
  return child;
}

async function nextLine(child: ChildProcess): Promise<string> {
  const [chunk] = (await once(child.stdout!, 'data')) as [Buffer];
  return chunk.toString().trim();
}

async function contend(child: ChildProcess): Promise<string> {
  const line = nextLine(child);
  child.stdin!.write('go\n');
  return line;
}

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

afterEach(async () => {
  await Promise.all(children.splice(0).map((child) => killed(child)));
});
afterAll(() => rmSync(directory, { recursive: true }));

describe('a process lock', () => {
  it('names its owner and leaves nothing behind once released', async () => {
    const path = freshPath();
    const lock = await acquireProcessLock(path);
    expect(parseLockOwner(readFileSync(path, 'utf8'), path)).toMatchObject({
      pid: process.pid,
      hostname: hostname(),
    });
    await lock.release();
    expect(readdirSync(directory).filter((name) => name.startsWith(`${lockNumber}.pid`))).toEqual([]);
  });

  it('is refused to a second taker with the living owner’s pid', async () => {
    const path = freshPath();
    const owner = contender(path);
    await nextLine(owner);
    expect(await contend(owner)).toBe('taken');
    await expect(acquireProcessLock(path)).rejects.toMatchObject({
      name: 'LockHeld',
      pid: owner.pid,
      hostname: hostname(),
    });
  });

  it('does not release a lock that a later owner has taken', async () => {
    const path = freshPath();
    const first = await acquireProcessLock(path);
    await first.release();
    await acquireProcessLock(path);
    await first.release();
    await expect(acquireProcessLock(path)).rejects.toBeInstanceOf(LockHeld);
  });

  it('is taken over after kill -9 of its owner', async () => {
    const path = freshPath();
    const owner = contender(path);
    await nextLine(owner);
    expect(await contend(owner)).toBe('taken');
    await killed(owner);
    await acquireProcessLock(path);
    expect(parseLockOwner(readFileSync(path, 'utf8'), path).pid).toBe(process.pid);
  });

  it('of another host is never taken over', async () => {
    const path = freshPath();
    writeFileSync(path, JSON.stringify({ pid: 4_194_305, startTime: '1', hostname: 'another-host' }));
    await expect(acquireProcessLock(path)).rejects.toMatchObject({
      name: 'LockHeld',
      hostname: 'another-host',
    });
  });

  it('does not overwrite a file that is no lock', async () => {
    const path = freshPath();
    writeFileSync(path, 'something else');
    await expect(acquireProcessLock(path)).rejects.toThrow('not a lock file');
    expect(readFileSync(path, 'utf8')).toBe('something else');
  });

  it('goes to exactly one of several processes that race for a dead owner’s lock', async () => {
    const path = freshPath();
    const stale = JSON.stringify({ pid: 4_194_305, startTime: '1', hostname: hostname() });
    const racers = [contender(path), contender(path), contender(path)];
    await Promise.all(racers.map((racer) => nextLine(racer)));
    writeFileSync(path, stale);
    // A takeover that was itself cut short is part of the race.
    writeFileSync(`${path}.takeover`, stale);
    const outcomes = await Promise.all(racers.map((racer) => contend(racer)));
    const owner = parseLockOwner(readFileSync(path, 'utf8'), path);
    expect(outcomes.filter((outcome) => outcome === 'taken')).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === `LockHeld ${owner.pid}`)).toHaveLength(2);
  });

  it('goes to exactly one of many takers within one process', async () => {
    const path = freshPath();
    writeFileSync(path, JSON.stringify({ pid: 4_194_305, startTime: '1', hostname: hostname() }));
    const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => acquireProcessLock(path)));
    expect(outcomes.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(1);
  });
});

const describeWithProc = process.platform === 'linux' ? describe : describe.skip;
describeWithProc('a process lock where /proc tells start times', () => {
  it('is taken over when another process has got the dead owner’s number', async () => {
    const path = freshPath();
    writeFileSync(path, JSON.stringify({ pid: process.pid, startTime: '1', hostname: hostname() }));
    await expect(acquireProcessLock(path)).resolves.toMatchObject({ path });
  });
});
