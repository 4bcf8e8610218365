import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawnNode } from '#libs/testing/spawn-service';
import { markdownOf } from '../scripts/bench/report.js';
import { judge, percentileOf, spreadOf } from '../scripts/bench/statistics.js';

const BENCH_TIMEOUT_MS = 240_000;

describe('the figures of a run', () => {
  it('are the median of the rounds with the lowest and the highest', () => {
    expect(spreadOf([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3 });
    expect(spreadOf([10, 2, 4, 1])).toEqual({ median: 3, min: 1, max: 10 });
    expect(() => spreadOf([])).toThrow('no value');
  });

  it('have percentiles that are values of the run', () => {
    const hundred = Array.from({ length: 100 }, (_, n) => n + 1);

    expect(percentileOf(hundred, 0.5)).toBe(51);
    expect(percentileOf(hundred, 0.99)).toBe(100);
    expect(percentileOf([7], 0.99)).toBe(7);
    expect(() => percentileOf([], 0.5)).toThrow('no value');
  });

  it.each([
    ['held', { median: 1.2, min: 1, max: 1.6 }, { atMost: 1.6 }],
    ['partly', { median: 1.7, min: 1.6, max: 1.8 }, { atMost: 1.6 }],
    ['missed', { median: 1.7, min: 1.61, max: 1.8 }, { atMost: 1.6 }],
    ['held', { median: 2.5, min: 2, max: 3 }, { atLeast: 2 }],
    ['partly', { median: 1.5, min: 1, max: 2 }, { atLeast: 2 }],
    ['missed', { median: 1.5, min: 1, max: 1.99 }, { atLeast: 2 }],
  ])('are %s only when the whole range is: %j by %j', (judgement, spread, bar) => {
    expect(judge(spread, bar)).toBe(judgement);
  });

  it('say where and how they were made, and which bars they hold', () => {
    const spread = { median: 1.714, min: 1.6499, max: 12_345.6 };
    const setting = {
      cpu: 'A CPU',
      cores: 2,
      memoryGiB: 24,
      os: 'linux x64',
      node: '20.19.0',
      servers: 'PostgreSQL 18',
      loadBefore: 0.2,
      date: '2026-03-14',
      command: 'npm run bench',
      rounds: 5,
      seconds: 300.4,
    };
    const text = markdownOf({
      setting,
      calls: [],
      barred: [
        { bar: 'a', what: 'CPU', spread, limits: { atMost: 1.6 } },
        { bar: 'c', what: 'rate', spread, limits: { atLeast: 30_000 } },
      ],
      plain: [{ what: 'time', spread, unit: 'ms' }],
    });

    expect(text).toContain('5 interleaved rounds');
    for (const fact of ['A CPU', '2 cores', '24 GiB', 'Node 20.19.0', '2026-03-14', '`npm run bench`']) {
      expect(text).toContain(fact);
    }
    expect(text).toMatch(/\| a +\| CPU +\| ≤ 1\.6 +\| 1\.71 \(1\.65–12,300\) +\| MISSED +\|/);
    expect(text).toMatch(/\| c +\| rate +\| ≥ 30,000 +\| 1\.71 \(1\.65–12,300\) +\| MISSED +\|/);
    expect(text).toMatch(/\| time +\| 1\.71 \(1\.65–12,300\) +\| ms +\|/);
  });
});

describe('npm run bench', () => {
  let directory: string;

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'latchkey-bench-'));
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  it(
    'measures everything that it is to measure',
    async () => {
      const out = join(directory, 'benchmarks.md');
      const run = spawnNode(['scripts/bench.mjs', '--quick', '--out', out], process.env);

      expect({ ...(await run.exited), stderr: run.stderr }).toEqual({ code: 0, signal: null, stderr: [] });
      const text = readFileSync(out, 'utf8');
      const rows = text.split('\n').filter((line) => line.startsWith('|') && line.includes('–'));
      const figures = rows.flatMap((row) => [...row.matchAll(/([\d.,]+) \([\d.,]+–[\d.,]+\)/g)]);
      // 39 bars; seven kinds of calls at three numbers in flight, four figures each; 18 more.
      expect(rows).toHaveLength(39 + 21 + 18);
      expect(figures).toHaveLength(39 + 21 * 4 + 18);
      // Nothing may lapse; all else takes something.
      const nothing = figures.filter(([, figure]) => figure === '0');
      expect(nothing.length).toBeLessThanOrEqual(1);
      for (const [, figure = ''] of figures) {
        expect(Number(figure.replaceAll(',', ''))).toBeGreaterThanOrEqual(0);
      }
      expect(text).not.toContain(process.cwd());
    },
    BENCH_TIMEOUT_MS,
  );
});
