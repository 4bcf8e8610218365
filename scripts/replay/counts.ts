/** How often each client appears, in the order of first appearance. */
export function countByClient(requests: readonly { client: string }[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { client } of requests) counts.set(client, (counts.get(client) ?? 0) + 1);
  return counts;
}

/** A client whose requests were not counted as often as the log has them. */
export interface Difference {
  client: string;
  logged: number;
  counted: number;
}

/** The clients whose counts differ, also those that only one side knows. */
export function differencesOf(
  logged: ReadonlyMap<string, number>,
  counted: ReadonlyMap<string, number>,
): Difference[] {
  return [...new Set([...logged.keys(), ...counted.keys()])]
    .map((client) => ({ client, logged: logged.get(client) ?? 0, counted: counted.get(client) ?? 0 }))
    .filter((difference) => difference.logged !== difference.counted);
}

/** `client<TAB>count` lines, in the order that `LC_ALL=C sort` gives them. */
export function countsAsText(counts: ReadonlyMap<string, number>): string {
  return [...counts]
    .map(([client, count]) => `${client}\t${count}\n`)
    .sort((a, b) => Buffer.compare(Buffer.from(a, 'latin1'), Buffer.from(b, 'latin1')))
    .join('');
}

/** The shell command that counts the log's clients by itself and compares them with a file of `countsAsText`. */
export function comparison(
  logPath: string,
  countsPath: string,
  unreadable: readonly { line: number }[],
): string {
  const readable = unreadable.map(({ line }) => `NR != ${line}`).join(' && ');
  const program = `${readable}${readable && ' '}{ n[$1]++ } END { for (c in n) print c "\\t" n[c] }`;
  return `awk '${program}' ${quoted(logPath)} | LC_ALL=C sort | diff - ${quoted(countsPath)} && echo equal`;
}

function quoted(path: string): string {
  return /^[\w./-]+$/.test(path) && !path.startsWith('-') ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}
