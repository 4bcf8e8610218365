/**
 * `npm run test:faults`: verifications and restrictions on real processes and real servers while those are paused,
 * killed, cut off and restarted, for as long as is asked for. The whole history is kept and checked; ends with 1 where
 * it breaks a rule.
 */
import './node-version.mjs';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { register } from 'node:module';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ensureBuilt } from './build.mjs';
import { ensureInstalled } from './install.mjs';
import { root, runAsProgram, secondsSince } from './run.mjs';

const USAGE = `npm run test:faults
  [--minutes N]     how long faults go on, default 10; 0: no run, only the check and the report of what is kept
  [--seed S]        chooses faults and load, default from the clock
  [--lease-ms L]    the lease, default 2000
  [--stale-ms S]    how long verifiers answer beyond their lease, flagged degraded, default 0
  [--resume DIR]    adds to the runs whose histories are kept in DIR, and reports all of them
  [--history FILE]  where this run's history goes, default in DIR, or in .stack/faults/<date>
  [--out FILE]      where the report goes, default docs/fault-report.md`;
const HISTORY = '.jsonl';

await runAsProgram(import.meta.url, async () => {
  const options = readOptions();
  await ensureInstalled({ keepLock: false });
  register('./typescript-hooks.mjs', import.meta.url);
  const startMs = performance.now();
  if (options.minutes > 0) {
    await ensureBuilt();
    await runOnce(options);
  }
  const violations = await report(options);
  console.log(`in ${secondsSince(startMs)}`);
  if (violations > 0) process.exitCode = 1;
});

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        minutes: { type: 'string', default: '10' },
        seed: { type: 'string', default: String(Date.now() % 1_000_000) },
        'lease-ms': { type: 'string', default: '2000' },
        'stale-ms': { type: 'string', default: '0' },
        resume: { type: 'string' },
        history: { type: 'string' },
        out: { type: 'string', default: join('docs', 'fault-report.md') },
      },
    });
    const numbers = {
      minutes: values.minutes,
      seed: values.seed,
      leaseMs: values['lease-ms'],
      serveStaleMs: values['stale-ms'],
    };
    for (const [name, text] of Object.entries(numbers)) {
      numbers[name] = Number(text);
      if (!/^\d+(\.\d+)?$/.test(text)) throw new Error(`${name} is not a number: ${text}`);
    }
    const now = new Date().toISOString().replace(/[:.]/g, '-');
    const directory = resolve(root, values.resume ?? join('.stack', 'faults', now));
    const historyPath = values.history
      ? resolve(values.history)
      : join(directory, `${now}-seed-${numbers.seed}${HISTORY}`);
    return { ...numbers, directory, historyPath, reportPath: resolve(root, values.out) };
  } catch (error) {
    throw new Error(`${error.message}\n\n${USAGE}`, { cause: error });
  }
}

async function runOnce({ minutes, seed, leaseMs, serveStaleMs, directory, historyPath }) {
  const { runNemesis } = await import('../test/nemesis/run-nemesis.ts');
  mkdirSync(directory, { recursive: true });
  console.log(`seed ${seed}, ${minutes} minutes, history in ${relative('', historyPath)}`);
  const asked = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => asked.abort());
  await runNemesis({
    historyPath,
    seed,
    minutes,
    leaseMs,
    serveStaleMs,
    signal: asked.signal,
    say: (line) => console.log(line),
  });
}

/** Checks all kept histories, writes the report and resolves to the number of things that were wrong. */
async function report({ directory, historyPath, reportPath }) {
  const { readHistory } = await import('../test/nemesis/history-file.ts');
  const { addRun, emptySummary } = await import('../test/nemesis/fault-summary.ts');
  const { faultReportOf } = await import('../test/nemesis/fault-report.ts');
  const kept = existsSync(directory) ? readdirSync(directory).filter((name) => name.endsWith(HISTORY)) : [];
  const paths = new Set([...kept.toSorted().map((name) => join(directory, name)), historyPath]);
  const summary = emptySummary();
  for (const path of paths) if (existsSync(path)) addRun(summary, await readHistory(path));
  if (summary.runs === 0) throw new Error(`there is no history in ${relative('', directory)}`);
  const text = faultReportOf(summary, {
    command: 'npm run test:faults -- --minutes N --resume DIR',
    date: new Date().toISOString().slice(0, 10),
  });
  writeFileSync(reportPath, text);
  console.log(`\n${text}`);
  return summary.violations.length + summary.wrong.length;
}
