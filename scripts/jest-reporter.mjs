/**
 * One line for each suite with its time, failures in full, and every skipped test by name. The totals go as JSON into
 * the file that LATCHKEY_TEST_TOTALS names: a suite that could not run, or whose cleaning up failed, is one failure.
 */
import { writeFileSync } from 'node:fs';
import { relative } from 'node:path';

export default class SuiteReporter {
  totals = { passed: 0, failed: 0 };

  onTestFileResult(test, result) {
    const passed = result.numPassingTests;
    const failed = result.numFailingTests || (result.failureMessage ? 1 : 0);
    this.totals.passed += passed;
    this.totals.failed += failed;
    const seconds = ((result.perfStats.end - result.perfStats.start) / 1000).toFixed(1).padStart(6);
    const counts = failed > 0 ? `${passed} passed, ${failed} FAILED` : `${passed} passed`;
    const lines = [`${failed > 0 ? '✗' : '✓'}${seconds} s  ${relative(process.cwd(), test.path)}  ${counts}`];
    for (const { status, fullName } of result.testResults) {
      if (status !== 'passed' && status !== 'failed') lines.push(`           ${status}: ${fullName}`);
    }
    if (failed > 0) {
      lines.push(result.failureMessage ?? '');
      for (const { type, message } of result.console ?? []) lines.push(`console.${type}: ${message}`);
    }
    process.stdout.write(`${lines.join('\n')}\n`);
  }

  onRunComplete() {
    const path = process.env.LATCHKEY_TEST_TOTALS;
    if (path) writeFileSync(path, JSON.stringify(this.totals));
  }
}
