/** `npm run check`: the quick loop of types, lint, format, architecture, contracts and unit tests, each with its time. */
import './node-version.mjs';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureInstalled } from './install.mjs';
import { runJest } from './jest.mjs';
import { root, run, runAsProgram, secondsSince } from './run.mjs';
import { filesBelow } from './stamp.mjs';

const GENERATED = 'libs/contracts/src/gen';
const SOURCES = ['apps', 'libs', 'test', 'scripts'].filter((directory) => existsSync(join(root, directory)));
const bin = (name) => join('node_modules', '.bin', name);

const STEPS = {
  types: () =>
    runQuietly(process.execPath, 'node_modules/typescript7/bin/tsc', '-p', 'tsconfig.json', '--noEmit'),
  lint: () => runQuietly(bin('oxlint'), '--type-aware', '--quiet', ...SOURCES),
  format: () => runQuietly(bin('biome'), 'format', ...SOURCES),
  architecture: () => runQuietly(bin('depcruise'), 'apps', 'libs', '--config', '.dependency-cruiser.cjs'),
  protos: () => runQuietly(bin('buf'), 'lint'),
  'generated types': generatedTypesAreCurrent,
};

/** Runs every step but the tests, each printing its time, failures with their whole output; resolves to the number that failed. */
export async function runCheckSteps() {
  let failed = 0;
  for (const [name, step] of Object.entries(STEPS)) {
    const startMs = performance.now();
    const { ok, output } = await step();
    console.log(`${ok ? '✓' : '✗'}${secondsSince(startMs).padStart(8)}  ${name}`);
    if (!ok) {
      failed += 1;
      console.log(output);
    }
  }
  return failed;
}

function runQuietly(...command) {
  return run(command, { capture: true });
}

/** Generates the types again elsewhere and compares: what is committed must be what the protos say. */
async function generatedTypesAreCurrent() {
  const elsewhere = mkdtempSync(join(tmpdir(), 'latchkey-generated-'));
  try {
    const generated = await runQuietly(bin('buf'), 'generate', '--output', elsewhere);
    if (!generated.ok) return generated;
    const [committed, current] = [root, elsewhere].map(
      (base) => new Map(filesBelow(base, [GENERATED], () => true)),
    );
    const different = [...new Set([...committed.keys(), ...current.keys()])].filter((path) => {
      const [before, now] = [committed.get(path), current.get(path)];
      return before === undefined || now === undefined || !before.equals(now);
    });
    const output = `these differ from the protos: ${different.join(', ')}\nnpm run proto:generate`;
    return { ok: different.length === 0, output };
  } finally {
    rmSync(elsewhere, { recursive: true });
  }
}

await runAsProgram(import.meta.url, async () => {
  const startMs = performance.now();
  await ensureInstalled({ keepLock: true });
  const failedSteps = await runCheckSteps();
  const unit = await runJest(['--selectProjects', 'unit']);
  console.log(
    `${unit.passed} unit tests passed, ${unit.failed + failedSteps} failed, ${secondsSince(startMs)}`,
  );
  if (unit.failed + failedSteps > 0 || unit.passed === 0) process.exitCode = 1;
});
