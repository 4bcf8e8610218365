import { mkdtempSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from './run.mjs';

const WORKERS_MAX = 2;
const JEST = [
  '--experimental-vm-modules',
  '--no-warnings=ExperimentalWarning',
  'node_modules/jest/bin/jest.js',
];

/** Runs Jest with `args`, behind the command `prefix` if there is one, and resolves to the numbers of tests `{ passed, failed }`. */
export async function runJest(args, { prefix = [] } = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-totals-'));
  const totalsPath = join(directory, 'totals.json');
  const options = [
    '--config',
    'jest.config.js',
    '--reporters',
    './scripts/jest-reporter.mjs',
    '--maxWorkers',
    String(WORKERS_MAX),
  ];
  try {
    const { ok } = await run([...prefix, process.execPath, ...JEST, ...args, ...options], {
      env: { ...process.env, LATCHKEY_TEST_TOTALS: totalsPath },
    });
    const { passed, failed } = existsSync(totalsPath)
      ? JSON.parse(readFileSync(totalsPath, 'utf8'))
      : { passed: 0, failed: 0 };
    // Jest can fail as a whole, and so can the stack before it: that is one failure that no suite knows of.
    return { passed, failed: failed === 0 && !ok ? 1 : failed };
  } finally {
    rmSync(directory, { recursive: true });
  }
}
