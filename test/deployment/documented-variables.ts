import type { Variable } from '#libs/service-kit';
import type { VariableTable } from './service-variables.js';

/**
 * Holds a document to the code: below each heading `## <service>` a table has one row for every variable of the service,
 * and a variable that is named anywhere is one of a service, `<NAME>_FILE` of a secret one, or among `others`.
 */
export function documentProblems(
  document: string,
  services: Readonly<Record<string, VariableTable>>,
  others: ReadonlySet<string>,
): string[] {
  const problems: string[] = [];
  for (const [service, table] of Object.entries(services)) {
    const variables = Object.values(table);
    const rows = rowsOf(sectionOf(document, service));
    const expected = variables.map(rowOf);
    for (const row of expected) if (!rows.includes(row)) problems.push(`${service} lacks ${row}`);
    for (const row of rows) if (!expected.includes(row)) problems.push(`${service} has ${row}`);
  }
  const known = new Set([
    ...others,
    ...Object.values(services).flatMap((table) => Object.values(table).flatMap(namesOf)),
  ]);
  for (const [name] of document.matchAll(/\b(LATCHKEY|KAFKA|REDIS|DATABASE)_[A-Z0-9_]+\b/g)) {
    if (!known.has(name)) problems.push(`${name} is read by nothing`);
  }
  return problems;
}

/** The row of a table that documents a variable. */
export function rowOf({ name, default: fallback, description, secret }: Variable<unknown>): string {
  const shown = fallback === null ? '**required**' : fallback === '' ? 'empty' : `\`${fallback}\``;
  return `| \`${name}\` | ${shown} | ${description.replaceAll('|', '\\|')} | ${secret ? 'yes' : ''} |`;
}

/** The names that a variable can be given by: a secret one also as the name of a file. */
export function namesOf({ name, secret }: Variable<unknown>): string[] {
  return secret ? [name, `${name}_FILE`] : [name];
}

function sectionOf(document: string, heading: string): string {
  const [, section = ''] = `\n${document}`.split(`\n## ${heading}\n`);
  return section.split('\n## ')[0] ?? '';
}

/** The rows of a section's tables but their heads. */
function rowsOf(section: string): string[] {
  return section.split('\n').filter((line) => line.startsWith('| `'));
}
