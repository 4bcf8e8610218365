const ITEM = /([0-9A-Za-z])(?:-([0-9A-Za-z]))?/g;
const KINDS = [/[0-9]/, /[A-Z]/, /[a-z]/];

/** The characters of `0-9a-f`, in their order. */
export function alphabetOf(ranges: string): string {
  return [...ranges.matchAll(ITEM)]
    .map(([, first = '', last = first]) => charactersFrom(first, last))
    .join('');
}

/** What is wrong with the ranges, as ends of a sentence that begins with their name. */
export function alphabetProblems(ranges: string): string[] {
  const backwards = [...ranges.matchAll(ITEM)].filter(
    ([, first = '', last = first]) => !isRange(first, last),
  );
  const characters = alphabetOf(ranges).split('');
  const twice = new Set(characters.filter((character, at) => characters.indexOf(character) < at));
  return [
    ...backwards.map(
      ([range]) => `has a range that does not go up among digits or letters of one case: ${range}`,
    ),
    ...(twice.size > 0 ? [`names twice: ${[...twice].join('')}`] : []),
  ];
}

function isRange(first: string, last: string): boolean {
  return first <= last && KINDS.some((kind) => kind.test(first) && kind.test(last));
}

function charactersFrom(first: string, last: string): string {
  const [from, to] = [first.charCodeAt(0), last.charCodeAt(0)];
  return isRange(first, last)
    ? Array.from({ length: to - from + 1 }, (_, at) => String.fromCharCode(from + at)).join('')
    : '';
}
