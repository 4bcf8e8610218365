import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type PrivateStack, startPrivateStack } from '#libs/testing/private-stack';
import { spawnNode } from '#libs/testing/spawn-service';
import { decisionProblems, type LoggedDecision } from './admission-log.contract.js';

const PROCESSES = 4;
const WINDOW_MS = 1000;
const LIMIT = 40;
const RACE_MS = 4500;
const SCRIPT = join('libs', 'rate-limit', 'test', 'rate-limit-process.mjs');
const LOADER = `./${join('libs', 'testing', 'src', 'source-loader.mjs')}`;

describe('four processes on one subject', () => {
  let stack: PrivateStack;
  let directory: string;
  let races = 0;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'latchkey-rate-limit-'));
    stack = await startPrivateStack(['redis']);
  }, 60_000);
  afterAll(async () => {
    await stack.stop();
    rmSync(directory, { recursive: true });
  }, 60_000);

  /** What all of them were told, in the order in which Redis decided it. */
  async function race(limiter: 'exact' | 'by the clock', manner: 'greedy' | 'paced') {
    races += 1;
    const logFiles = Array.from({ length: PROCESSES }, (_, n) => join(directory, `${races}-${n}`));
    const processes = logFiles.map((logFile) => {
      const wish = { limiter, manner, logFile, subject: `race-${races}`, url: stack.env.REDIS_URL };
      const sizes = { windowMs: WINDOW_MS, limit: LIMIT, part: LIMIT / PROCESSES, ms: RACE_MS };
      const argument = JSON.stringify({ ...wish, ...sizes });
      return spawnNode(['--conditions=source', '--import', LOADER, SCRIPT, argument], {});
    });
    for (const { exited, stderr } of processes) {
      expect({ ...(await exited), stderr }).toEqual({ code: 0, signal: null, stderr: [] });
    }
    const logs = logFiles.map((file) => JSON.parse(readFileSync(file, 'utf8')) as [number, boolean][]);
    for (const log of logs) expect(log.some(([, admitted]) => admitted)).toBe(true);
    const decisions = logs
      .flat()
      .map(([atMicros, admitted]): LoggedDecision => ({ atMicros, admitted, limit: LIMIT, cost: 1 }));
    // Of those in one microsecond the order is not known: what was refused came after what was admitted.
    return decisions.sort((a, b) => a.atMicros - b.atMicros || Number(b.admitted) - Number(a.admitted));
  }
  const admittedOf = (log: LoggedDecision[]) => log.filter(({ admitted }) => admitted).length;

  it('are admitted as often as the limit says in every window, and no more', async () => {
    const log = await race('exact', 'greedy');
    expect(admittedOf(log)).toBeGreaterThanOrEqual(2 * LIMIT);
    expect(admittedOf(log)).toBeLessThan(log.length);
    expect(decisionProblems(log, WINDOW_MS)).toEqual([]);
  }, 60_000);

  it('are never refused where together they keep to exactly the limit', async () => {
    const log = await race('exact', 'paced');
    expect(log.length).toBeGreaterThanOrEqual(2 * LIMIT);
    expect(log.filter(({ admitted }) => !admitted)).toEqual([]);
    expect(decisionProblems(log, WINDOW_MS)).toEqual([]);
  }, 60_000);

  it('would be caught with more than the limit by this very check, if windows went by the clock', async () => {
    const problems = decisionProblems(await race('by the clock', 'greedy'), WINDOW_MS);
    expect(problems).toContainEqual(expect.stringContaining(`of ${LIMIT} admitted in the window`));
  }, 60_000);
});
