import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { text } from '#libs/service-kit';
import { documentProblems, rowOf } from './deployment/documented-variables.js';
import { SERVICE_VARIABLES, STANDALONE_VARIABLES } from './deployment/service-variables.js';

const SERVICES = { ...SERVICE_VARIABLES, standalone: STANDALONE_VARIABLES };

describe('docs/configuration.md', () => {
  const document = readFileSync('docs/configuration.md', 'utf8');

  it('has for every variable of every service the row that its config.ts says, and names no other', () => {
    expect(documentProblems(document, SERVICES, variablesOfPrograms())).toEqual([]);
  });

  it('lists what the access list of Kafka grants', () => {
    const grants: Record<string, Record<'topics' | 'groups', Record<string, string[]>>> = JSON.parse(
      readFileSync('deploy/kafka/acls.json', 'utf8'),
    );
    for (const [service, { topics, groups }] of Object.entries(grants)) {
      for (const [name, operations] of [...Object.entries(topics), ...Object.entries(groups)]) {
        expect(document).toContain(`| ${service} | \`${name}\` | ${operations.join(', ')} |`);
      }
    }
  });

  it('links only to files that exist', () => {
    const links = [...document.matchAll(/\]\((?!#|https?:)([^)#]+)/g)].map(([, path]) => path as string);
    expect(links.length).toBeGreaterThan(0);
    for (const path of links) expect(() => readFileSync(join('docs', path))).not.toThrow();
  });
});

describe('the check of the document', () => {
  const table = {
    one: text('LATCHKEY_ONE', 'a', 'the first'),
    two: text('LATCHKEY_TWO', null, 'the second'),
  };
  const right = `# Head\n\n## app\n\n${rowOf(table.one)}\n${rowOf(table.two)}\n\n## next\n`;
  const problems = (document: string) =>
    documentProblems(document, { app: table }, new Set(['LATCHKEY_SCRIPT']));

  it('is content with a right one', () => {
    expect(problems(`${right}LATCHKEY_SCRIPT`)).toEqual([]);
  });

  it.each([
    ['a missing row', right.replace(rowOf(table.two), ''), [`app lacks ${rowOf(table.two)}`]],
    [
      'another default',
      right.replace('`a`', '`b`'),
      [expect.stringContaining('lacks'), expect.stringContaining('has')],
    ],
    ['a row in another section', right.replace('## app', '## other'), [expect.anything(), expect.anything()]],
    ['a variable that nothing reads', `${right}LATCHKEY_ONCE`, ['LATCHKEY_ONCE is read by nothing']],
    ['a file of what is no secret', `${right}LATCHKEY_ONE_FILE`, ['LATCHKEY_ONE_FILE is read by nothing']],
  ])('notices %s', (_, document, expected) => {
    expect(problems(document)).toEqual(expected);
  });
});

/** Names in the sources of what is run by hand or by a container, besides the services. */
function variablesOfPrograms(): Set<string> {
  const sources = ['scripts', 'deploy'].flatMap((directory) =>
    readdirSync(directory, { recursive: true, encoding: 'utf8' })
      .filter((path) => /\.(mjs|sh)$|Dockerfile$/.test(path))
      .map((path) => readFileSync(join(directory, path), 'utf8')),
  );
  const names = sources.flatMap(
    (source) => source.match(/\b(LATCHKEY|KAFKA|REDIS|DATABASE)_[A-Z0-9_]+\b/g) ?? [],
  );
  return new Set(names.flatMap((name) => [name, `${name}_FILE`]));
}
