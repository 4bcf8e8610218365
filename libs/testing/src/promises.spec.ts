import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PROMISES } from '../../../test/conformance/promises.js';
import { spawnNode } from './spawn-service.js';

const SUITES = 'test/conformance';
const IDS = Object.keys(PROMISES);
const STACKS = ['real stack', 'embedded'];
const sandbox = mkdtempSync(join(tmpdir(), 'latchkey-promises-'));

afterAll(() => rmSync(sandbox, { recursive: true }));

/** The ids that tests of a suite's source begin with. */
function idsTestedIn(file: string): string[] {
  const source = readFileSync(join(SUITES, file), 'utf8');
  return [...source.matchAll(/\bit(?:\.each\([\s\S]*?\))?\(\s*['"`]([A-Z]+-\d+)\b/g)].map(
    ([, id]) => id as string,
  );
}

describe('the promises of the documented products', () => {
  const suites = readdirSync(SUITES).filter((file) => file.endsWith('.e2e-spec.ts'));

  it.each(suites)('all have a test in %s that are its product’s, and it tests no others', (file) => {
    const product = `${file.replace('.e2e-spec.ts', '').toUpperCase()}-`;
    const promised = IDS.filter((id) => id.startsWith(product));
    expect([...new Set(idsTestedIn(file))].toSorted()).toEqual(promised.toSorted());
  });

  it('have a test each, all 44', () => {
    expect(suites.flatMap(idsTestedIn)).toEqual(expect.arrayContaining(IDS));
    expect(IDS).toHaveLength(44);
  });
});

describe('scripts/promises-table.mjs', () => {
  const results = join(sandbox, 'results.json');
  const out = join(sandbox, 'profiles.md');

  /** Writes the table of results in which each id has the given states on each stack. */
  async function table(statesOf: (id: string, stack: string) => string[], document: string) {
    const assertionResults = IDS.flatMap((id) =>
      STACKS.flatMap((stack) =>
        statesOf(id, stack).map((status) => ({
          title: `${id} holds`,
          ancestorTitles: [`a product on ${stack}`],
          status,
        })),
      ),
    );
    writeFileSync(results, JSON.stringify({ testResults: [{ assertionResults }] }));
    writeFileSync(out, document);
    const run = spawnNode(['scripts/promises-table.mjs', results, '--out', out], {});
    const { code } = await run.exited;
    return { code, document: readFileSync(out, 'utf8'), stderr: run.stderr.join('\n') };
  }

  it('puts every promise with what it came to on both stacks in its place, and nothing elsewhere', async () => {
    const { code, document } = await table(
      () => ['passed', 'passed'],
      'before\n<!-- promises -->\nof yesterday\n<!-- /promises -->\nafter\n',
    );
    expect(code).toBe(0);
    const lines = document.split('\n');
    expect([lines[0], lines.at(-2)]).toEqual(['before', 'after']);
    expect(document).not.toContain('yesterday');
    expect(lines).toContain(`| SEYN-1 | ${PROMISES['SEYN-1']} | passed (2 tests) | passed (2 tests) |`);
    expect(lines.filter((line) => /^\| [A-Z]+-\d+ \|/.test(line))).toHaveLength(44);
  });

  it('says which promises are not proven, and ends with 1: a test that failed, was skipped, or is missing', async () => {
    const states: Record<string, string[]> = {
      'SEYN-1': ['passed', 'failed'],
      'SEYN-2': [],
      'SEYN-4': ['pending'],
    };
    const { code, document, stderr } = await table(
      (id, stack) => (stack === 'embedded' ? (states[id] ?? ['passed']) : ['passed']),
      '<!-- promises -->\n<!-- /promises -->\n',
    );
    expect(code).toBe(1);
    expect(stderr).toBe('not proven: SEYN-1, SEYN-2, SEYN-4');
    expect(document).toContain('| passed (1 test) | **1 of 2 not passed** |');
    expect(document).toContain('| passed (1 test) | **no test** |');
  });

  it('says where the place of the table is missing', async () => {
    const { code, stderr } = await table(() => ['passed'], 'no place\n');
    expect(code).toBe(1);
    expect(stderr).toContain('has no place for the table');
  });
});
