import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type SpawnedProcess, spawnNode } from '#libs/testing/spawn-service';

const LOG = 'test/fixtures/access.log';
const REPLAY_TIMEOUT_MS = 180_000;

function replay(...args: string[]): SpawnedProcess {
  return spawnNode(['scripts/replay.mjs', '--log', LOG, ...args], process.env);
}

describe('npm run replay', () => {
  let directory: string;

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'latchkey-replay-'));
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  it(
    'counts every request of the log once for the key of its client, with services killed on the way',
    async () => {
      const countsPath = join(directory, 'counts.tsv');
      const run = replay('--kill', 'verifier@60', '--kill', 'usage@120', '--out', countsPath);

      expect({ ...(await run.exited), stderr: run.stderr }).toEqual({ code: 0, signal: null, stderr: [] });
      expect(run.stdout).toContain('kill -9 auth-verifier after 60 requests');
      expect(run.stdout).toContain('kill -9 usage after 120 requests');
      expect(run.stdout).toContain('  equal');
      expect(run.stdout.at(-1)).toBe(
        '200 requests of 13 clients, 0 lines left out: 200 counted, 0 clients differ',
      );
      const counts = readFileSync(countsPath, 'utf8').trimEnd().split('\n');
      expect(counts).toHaveLength(13);
      expect(run.stdout).toEqual(expect.arrayContaining(counts));
    },
    REPLAY_TIMEOUT_MS,
  );

  it.each([
    [['--kill', 'kafka@10'], '--kill kafka@10: it is SERVICE@REQUESTS with one of'],
    [['--kill', 'verifier@201'], 'auth-verifier cannot be killed after 201 of 200 requests'],
    [['--log', 'test/fixtures/absent.log'], 'no such file'],
    [['--speed', '2'], "Unknown option '--speed'"],
  ])('refuses %j before it starts anything', async (args, message) => {
    const run = replay(...args);

    expect(await run.exited).toEqual({ code: 1, signal: null });
    expect(run.stderr.join('\n')).toContain(message);
    expect(run.stdout).toEqual([]);
  });
});
