/**
 * `npm run simulate`: the fence protocol's own state machines in simulated worlds, one for each seed, and what the
 * checker says of their histories. Ends with 1 where a promise was broken.
 */
import './node-version.mjs';
import { parseArgs } from 'node:util';
import { importSource } from './import-source.mjs';
import { ensureInstalled } from './install.mjs';
import { runAsProgram, secondsSince } from './run.mjs';

const USAGE = `npm run simulate
  [--seeds N]       how many worlds, default 2000
  [--start SEED]    the first one's seed, default 1; a seed makes the same world always
  [--mistake NAME]  with a deliberate mistake, which is to be found
  [--mistakes]      every deliberate mistake, each until it is found, in N worlds at most`;
const SEEDS = 2000;
/** More failing seeds are counted, not named. */
const NAMED_MAX = 10;

await runAsProgram(import.meta.url, async () => {
  await ensureInstalled({ keepLock: false });
  const [{ simulate, describeViolation }, { MISTAKES }] = await Promise.all(
    ['simulate', 'mistakes'].map((name) => importSource(`libs/fence/src/simulation/${name}.ts`)),
  );
  const options = readOptions(Object.keys(MISTAKES));
  if (options.mistakes) findEach(Object.keys(MISTAKES), options, simulate);
  else run(options, simulate, describeViolation);
});

function readOptions(mistakeNames) {
  const count = { type: 'string' };
  const definitions = { seeds: count, start: count, mistake: count, mistakes: { type: 'boolean' } };
  try {
    const { values } = parseArgs({ options: definitions });
    const seeds = readCount('--seeds', values.seeds ?? String(SEEDS), 1);
    const start = readCount('--start', values.start ?? '1', 0);
    if (!Number.isSafeInteger(start + seeds)) throw new Error('--start and --seeds go beyond 2^53 − 1');
    if (values.mistake !== undefined && !mistakeNames.includes(values.mistake)) {
      throw new Error(`--mistake is none of ${mistakeNames.join(', ')}`);
    }
    if (values.mistake !== undefined && values.mistakes) throw new Error('--mistake or --mistakes, not both');
    return { seeds, start, mistake: values.mistake, mistakes: values.mistakes ?? false };
  } catch (error) {
    throw new Error(`${error.message}\n\n${USAGE}`, { cause: error });
  }
}

function readCount(name, text, least) {
  const count = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(count) || count < least) {
    throw new Error(`${name} ${text} is no whole number of at least ${least}`);
  }
  return count;
}

function run({ seeds, start, mistake }, simulate, describeViolation) {
  const startMs = performance.now();
  const totals = { revocations: 0, verifications: 0, violations: 0 };
  let failing = 0;
  for (let seed = start; seed < start + seeds; seed += 1) {
    const { history, revocations, verifications, violations } = simulate(seed, mistake);
    totals.revocations += revocations;
    totals.verifications += verifications;
    totals.violations += violations.length;
    if (violations.length === 0) continue;
    failing += 1;
    if (failing > NAMED_MAX) continue;
    const again = `npm run simulate -- --seeds 1 --start ${seed}${mistake ? ` --mistake ${mistake}` : ''}`;
    console.log(`seed ${seed}: ${violations.length} violations; again by ${again}`);
    if (seeds === 1) for (const violation of violations) console.log(describeViolation(violation, history));
  }
  const { revocations, verifications, violations } = totals;
  console.log(
    `${seeds} runs, ${revocations} revocations, ${verifications} verifications, ${violations} violations` +
      `${failing > 0 ? ` in ${failing} runs` : ''}, ${secondsSince(startMs)}`,
  );
  if (violations > 0) process.exitCode = 1;
}

function findEach(names, { seeds, start }, simulate) {
  for (const name of names) {
    let seed = start;
    while (seed < start + seeds && simulate(seed, name).violations.length === 0) seed += 1;
    const found = seed < start + seeds;
    console.log(`${name.padEnd(40)} ${found ? `found after ${seed - start + 1} runs` : 'NOT found'}`);
    if (!found) process.exitCode = 1;
  }
}
