import { REJECTIONS } from '#libs/contracts';
import type { ErrorCause, JsonTemplate, Profile } from './profile.js';

/** An error as one product words it. */
export interface WordedError {
  status: number;
  code: string;
  message: string;
  /** The JSON body; undefined where the product speaks RFC 9457, which says more than a template holds. */
  body: unknown;
}

const FAULT = 'Something went wrong on our side.';
const PLACEHOLDERS = ['{code}', '{message}', '{errorId}'];
const LEVELS_MAX = 4;

/**
 * The answer to a cause in the product's dialect; `errorId` is what the operator finds a fault by. `details` follow our
 * own sentence, never one of the product's.
 */
export function wordedError(
  { errors }: Profile,
  cause: ErrorCause,
  errorId: string | null,
  details = '',
): WordedError {
  const { status, code, message: own } = errors.table[cause];
  const sentence = own ?? (cause === 'INTERNAL' ? FAULT : REJECTIONS[cause].message) + details;
  const message = sentence.replaceAll('{errorId}', () => errorId ?? '');
  const values = new Map([
    ['{code}', code],
    ['{message}', message],
    ['{errorId}', errorId],
  ]);
  return { status, code, message, body: errors.body === 'problem' ? undefined : filled(errors.body, values) };
}

/** A member whose whole value stands for what there is none of is left out. */
function filled(template: string | JsonTemplate, values: ReadonlyMap<string, string | null>): unknown {
  if (typeof template === 'string') return values.has(template) ? values.get(template) : template;
  const members = Object.entries(template).map(([name, value]) => [name, filled(value, values)] as const);
  return Object.fromEntries(members.filter(([, value]) => value !== null));
}

/** What is wrong with a body as it was written, each as `path: sentence`. */
export function bodyProblems(body: unknown, path = 'errors.body'): string[] {
  if (body === 'problem') return [];
  if (!isMapping(body)) return [`${path}: must be "problem", or the members of a body`];
  const texts = textsOf(body, path, LEVELS_MAX);
  const strange = texts.filter(
    ({ text }) => text === null || (/\{\w+\}/.test(text) && !PLACEHOLDERS.includes(text)),
  );
  const says = texts.some(({ text }) => text === '{code}' || text === '{message}');
  return [
    ...strange.map((member) => `${member.path}: must be text, or one of ${PLACEHOLDERS.join(', ')} alone`),
    ...(says ? [] : [`${path}: must have {code} or {message} in it`]),
  ];
}

/** What is wrong with the sentence of a row. */
export function messageProblems(message: string, causes: readonly ErrorCause[]): string[] {
  const named: readonly string[] = message.match(/\{\w+\}/g) ?? [];
  const strange = named.filter((placeholder) => placeholder !== '{errorId}');
  const idOfNothing = named.includes('{errorId}') && causes.some((cause) => cause !== 'INTERNAL');
  return [
    ...strange.map((placeholder) => `knows no ${placeholder}`),
    ...(idOfNothing ? ['has {errorId}, which INTERNAL alone has'] : []),
  ];
}

/** Whether who meets a fault of ours can tell us which. */
export function tellsErrorId(body: unknown, message: string | null): boolean {
  if (body === 'problem' || (message ?? '').includes('{errorId}')) return true;
  return textsOf(body, '', LEVELS_MAX).some(({ text }) => text === '{errorId}');
}

/** Every value with its path; null for what is no text, or lies too deep. */
function textsOf(value: unknown, path: string, levels: number): { path: string; text: string | null }[] {
  if (typeof value === 'string') return [{ path, text: value }];
  if (!isMapping(value) || levels === 0) return [{ path, text: null }];
  return Object.entries(value).flatMap(([name, member]) => textsOf(member, `${path}.${name}`, levels - 1));
}

function isMapping(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
