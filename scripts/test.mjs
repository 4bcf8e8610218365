/**
 * `npm test`: everything, from installing to the journeys on real servers. `npm test -- PATTERN ...` runs the suites
 * whose path matches, or whatever else Jest is to be told, on the same servers and without the checks.
 */
import './node-version.mjs';
import { ensureBuilt } from './build.mjs';
import { runCheckSteps } from './check.mjs';
import { ensureInstalled } from './install.mjs';
import { runJest } from './jest.mjs';
import { runAsProgram, secondsSince } from './run.mjs';

await runAsProgram(import.meta.url, async () => {
  const startMs = performance.now();
  const jestArgs = process.argv.slice(2);
  let [passed, failed] = [0, 0];
  try {
    await ensureInstalled({ keepLock: true });
    if (jestArgs.length === 0) failed += await runCheckSteps();
    await ensureBuilt();
    const tests = await runJest(jestArgs, { prefix: [process.execPath, 'scripts/stack.mjs', '--'] });
    passed += tests.passed;
    failed += tests.failed;
  } catch (error) {
    console.error(error.message);
    failed += 1;
  }
  console.log(`in ${secondsSince(startMs)}`);
  console.log(`${passed} passed, ${failed} failed`);
  if (failed > 0 || passed === 0) process.exitCode = 1;
});
