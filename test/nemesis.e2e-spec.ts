import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { FAULT_KINDS } from './nemesis/fault-plan.js';
import { addRun, emptySummary } from './nemesis/fault-summary.js';
import { readHistory } from './nemesis/history-file.js';
import { runNemesis } from './nemesis/run-nemesis.js';

jest.setTimeout(300_000);

/** Time for one round of all kinds of faults. */
const MINUTES = 1;
/** Time for some pauses and partitions. */
const CONTROL_MINUTES = 0.25;
const LEASE_MS = 2000;
const SEED = 1;

describe('restrictions on real processes and servers that are paused, killed, cut off and restarted', () => {
  let directory: string;

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'latchkey-nemesis-'));
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  it('hold at every verifier for everything that begins after they were called enforced', async () => {
    const historyPath = join(directory, 'history.jsonl');
    await runNemesis({
      historyPath,
      seed: SEED,
      minutes: MINUTES,
      leaseMs: LEASE_MS,
      serveStaleMs: 0,
      say: () => undefined,
    });

    const summary = emptySummary();
    addRun(summary, await readHistory(historyPath));
    expect({ ...summary, violations: summary.violations.slice(0, 5) }).toMatchObject({
      violations: [],
      wrong: [],
      brokenOff: 0,
    });
    // A run in which nothing was at stake proves nothing.
    expect(FAULT_KINDS.filter((kind) => (summary.faults.get(kind) ?? 0) === 0)).toEqual([]);
    for (const answer of ['VALID', 'REVOKED', 'TENANT_SUSPENDED', 'SECRET_RETIRED'])
      expect(summary.verifications.get(answer) ?? 0).toBeGreaterThan(50);
    expect(summary.commands.get('revoke')?.answered ?? 0).toBeGreaterThan(20);
  });

  it('are seen not to hold where no verifier minds the end of its lease', async () => {
    const historyPath = join(directory, 'negative-control.jsonl');
    await runNemesis({
      historyPath,
      seed: SEED,
      minutes: CONTROL_MINUTES,
      leaseMs: LEASE_MS,
      serveStaleMs: 0,
      neverLapsing: true,
      // What leaves every lease intact breaks nothing: pauses and partitions that are too short are left out.
      plan: { kinds: ['pause', 'partition'], shortestMs: LEASE_MS },
      say: () => undefined,
    });

    const summary = emptySummary();
    addRun(summary, await readHistory(historyPath));
    expect(summary.violations.filter(({ rule }) => rule === 1).length).toBeGreaterThan(0);
    expect(summary).toMatchObject({ wrong: [], brokenOff: 0 });
  });
});
