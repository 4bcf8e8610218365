import type { FieldProblem } from '#libs/contracts';

/** What of a JSON value PostgreSQL cannot hold as text: NUL, and halves of surrogate pairs. */
export function textProblems(value: unknown, path = ''): FieldProblem[] {
  if (typeof value === 'string') {
    return isKeepable(value) ? [] : [{ field: path || 'body', message: MESSAGE }];
  }
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) => {
    const field = path === '' ? name : `${path}.${name}`;
    return isKeepable(name) ? textProblems(member, field) : [{ field: path || 'body', message: MESSAGE }];
  });
}

/** Whether text can be stored, and asked for. */
export function isKeepable(text: string): boolean {
  return !text.includes('\0') && !LONE_SURROGATE.test(text);
}

const LONE_SURROGATE = /\p{Surrogate}/u;
const MESSAGE = 'must be Unicode text without NUL';
