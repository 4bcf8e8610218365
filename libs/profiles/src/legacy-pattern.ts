/**
 * The patterns of imported keys run on whatever a stranger sends, so a pattern is taken only where the ways of trying
 * it are few. That number is an upper bound on what a backtracking matcher walks: a choice of alternatives adds up, what
 * follows each other multiplies, and a repetition sums over its counts.
 */
import { CREDENTIAL_BYTES_MAX } from '#libs/key-secret';

const WAYS_MAX = 2000;
const QUANTIFIER = /^(?:([*+?])|\{(\d+)(,(\d*))?\})\??/;
const CHARACTER = /^(?:\[(?:\\.|[^\]\\])+\]|\\(?:[dDwWsS]|[^A-Za-z0-9])|[^\\[\](){}*+?|^$])/;

/** The pattern over the whole credential, or what is wrong with it as the end of a sentence that begins with its path. */
export function legacyPatternOf(text: string): RegExp | string {
  // Without the anchors, or with an alternative outside of them, anything at all could pass as a key.
  if (!text.startsWith('^') || !text.endsWith('$')) return `is not anchored (^…$): "${text}"`;
  const inner = text.slice(1, -1);
  try {
    const pattern = new RegExp(`^(?:${inner})$`);
    const { ways, rest } = waysOfAlternatives(inner);
    if (rest !== '') return `has what is no character, class, group or repetition: "${rest}"`;
    if (ways <= WAYS_MAX) return pattern;
    return `can be tried in too many ways; give fewer or narrower lengths, like {20,64}: "${text}"`;
  } catch {
    return `is not a regular expression: "${text}"`;
  }
}

interface Parsed {
  ways: number;
  /** What was not read. */
  rest: string;
}

function waysOfAlternatives(text: string): Parsed {
  let { ways, rest } = waysOfSequence(text);
  while (rest.startsWith('|')) {
    const next = waysOfSequence(rest.slice(1));
    ways += next.ways;
    rest = next.rest;
  }
  return { ways, rest };
}

function waysOfSequence(text: string): Parsed {
  let ways = 1;
  let rest = text;
  for (let item = readItem(rest); item !== null; item = readItem(rest)) {
    const quantifier = QUANTIFIER.exec(item.rest);
    rest = item.rest.slice(quantifier?.[0].length ?? 0);
    ways *= quantifier === null ? item.ways : repeated(item.ways, ...timesOf(quantifier));
  }
  return { ways, rest };
}

/** A character, a class of them, or a group; null where none of them comes next. */
function readItem(text: string): Parsed | null {
  const group = /^\((\?:)?(?!\?)/.exec(text);
  if (group === null) {
    const character = CHARACTER.exec(text);
    return character && { ways: 1, rest: text.slice(character[0].length) };
  }
  const { ways, rest } = waysOfAlternatives(text.slice(group[0].length));
  return rest.startsWith(')') ? { ways, rest: rest.slice(1) } : null;
}

function timesOf([, sign, least = '0', range, most = '']: RegExpExecArray): [least: number, most: number] {
  if (sign === '?') return [0, 1];
  if (sign !== undefined) return [sign === '+' ? 1 : 0, CREDENTIAL_BYTES_MAX];
  if (range === undefined) return [Number(least), Number(least)];
  return [Number(least), most === '' ? CREDENTIAL_BYTES_MAX : Number(most)];
}

/** The sum of ways^n over the counts; more than {@link WAYS_MAX} is not told apart. */
function repeated(ways: number, least: number, most: number): number {
  let sum = 0;
  for (let times = least; times <= Math.max(least, Math.min(most, CREDENTIAL_BYTES_MAX)); times += 1) {
    sum += ways ** times;
    if (sum > WAYS_MAX) break;
  }
  return sum;
}
