/**
 * `npm run promises:table -- RESULTS`: writes what each promise of the documented products came to on both stacks into
 * docs/profiles.md. RESULTS is what `npm test -- test/conformance --json --outputFile=RESULTS` wrote. Ends with 1 where a
 * promise has no test on a stack, or one that did not pass.
 */
import './node-version.mjs';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { importSource } from './import-source.mjs';
import { root, runAsProgram } from './run.mjs';

const USAGE = `npm run promises:table -- RESULTS
  [--out FILE]   the document with the place of the table, default docs/profiles.md`;
/** As the describe blocks of test/conformance name them. */
const STACKS = ['real stack', 'embedded'];
const PLACE = /(<!-- promises -->\n)[\s\S]*?(<!-- \/promises -->)/;

await runAsProgram(import.meta.url, async () => {
  const { results, out } = readOptions();
  const { PROMISES } = await importSource('test/conformance/promises.ts');
  const rows = rowsOf(PROMISES, testsOf(JSON.parse(readFileSync(results, 'utf8'))));
  const document = readFileSync(out, 'utf8');
  if (!PLACE.test(document)) throw new Error(`${out} has no place for the table: <!-- promises -->`);
  writeFileSync(
    out,
    document.replace(PLACE, (_, start, end) => `${start}${tableOf(rows)}${end}`),
  );
  const unproven = rows.filter(({ cells }) => cells.some(({ proven }) => !proven)).map(({ id }) => id);
  console.log(`${rows.length - unproven.length} of ${rows.length} promises hold on ${STACKS.join(' and ')}`);
  if (unproven.length > 0) throw new Error(`not proven: ${unproven.join(', ')}`);
});

function readOptions() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { out: { type: 'string', default: join(root, 'docs', 'profiles.md') } },
    });
    if (positionals.length !== 1) throw new Error('one file of results is needed');
    return { results: positionals[0], out: values.out };
  } catch (error) {
    throw new Error(`${error.message}\n\n${USAGE}`, { cause: error });
  }
}

/** Of Jest's JSON, the tests whose names begin with the id of a promise. */
function testsOf({ testResults }) {
  return testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .flatMap(({ title, ancestorTitles, status }) => {
      const id = /^[A-Z]+-\d+\b/.exec(title)?.[0];
      const stack = STACKS.find((name) => ancestorTitles.some((ancestor) => ancestor.includes(name)));
      return id === undefined || stack === undefined ? [] : [{ id, stack, status }];
    });
}

function rowsOf(promises, tests) {
  return Object.entries(promises).map(([id, promise]) => ({
    id,
    promise,
    cells: STACKS.map((stack) => cellOf(tests.filter((test) => test.id === id && test.stack === stack))),
  }));
}

function cellOf(tests) {
  const passed = tests.filter(({ status }) => status === 'passed').length;
  if (tests.length === 0) return { proven: false, text: '**no test**' };
  if (passed < tests.length)
    return { proven: false, text: `**${tests.length - passed} of ${tests.length} not passed**` };
  return { proven: true, text: `passed (${passed} test${passed === 1 ? '' : 's'})` };
}

function tableOf(rows) {
  const lines = rows.map(({ id, promise, cells }) => [id, promise, ...cells.map(({ text }) => text)]);
  const table = [['id', 'promise', ...STACKS], ['---', '---', ...STACKS.map(() => '---')], ...lines];
  return `\n${table.map((cells) => `| ${cells.join(' | ')} |\n`).join('')}\n`;
}
