import { type RejectionCode, REJECTIONS } from '#libs/contracts';
import type { ErrorCause, ErrorRow } from './profile.js';

/** Everything that a product may have to answer with an error. */
export const ERROR_CAUSES: readonly ErrorCause[] = [
  ...(Object.keys(REJECTIONS) as RejectionCode[]),
  'INTERNAL',
];

interface ErrorRows {
  rows: readonly { on: readonly ErrorCause[]; status: number; code: string; message?: string }[];
  statuses: readonly { status: number; code: string }[];
}

/** Our own row, which the default dialect has throughout. */
export function ownRow(cause: ErrorCause): ErrorRow {
  return { status: cause === 'INTERNAL' ? 500 : REJECTIONS[cause].http, code: cause, message: null };
}

/**
 * The row of every cause, and what is wrong: cells left empty or filled twice, and statuses that tell a client something
 * else than what happened. Causes without a row take the code for their status; `fallback` is for what has neither.
 */
export function errorTableOf({ rows, statuses }: ErrorRows, fallback: 'own' | 'none') {
  const table: Partial<Record<ErrorCause, ErrorRow>> = {};
  const problems: string[] = [];
  for (const { on, status, code, message = null } of rows) {
    for (const cause of on) {
      if (table[cause] !== undefined) problems.push(`has two rows for ${cause}`);
      table[cause] ??= { status, code, message };
      const allowed = statusesFor(ownRow(cause).status);
      if (!allowed.fits(status)) problems.push(`answers ${cause} with ${status}; it must be ${allowed.text}`);
    }
  }
  const codes = new Map(statuses.map(({ status, code }) => [status, code]));
  if (codes.size < statuses.length) problems.push('has two codes for the same status');
  for (const cause of ERROR_CAUSES) {
    const own = ownRow(cause);
    const code = codes.get(own.status) ?? (fallback === 'own' ? own.code : undefined);
    if (code !== undefined) table[cause] ??= { ...own, code };
    else if (table[cause] === undefined)
      problems.push(`has no row for ${cause}, nor one for the status ${own.status}`);
  }
  const statusesOfCauses = new Set(ERROR_CAUSES.map((cause) => ownRow(cause).status));
  for (const status of codes.keys()) {
    if (!statusesOfCauses.has(status))
      problems.push(`has a code for the status ${status}, which nothing is answered with`);
  }
  return { table: table as Record<ErrorCause, ErrorRow>, problems };
}

/** What else a cause may be answered with: clients act on 401, 429 and 5xx, whatever the code beside them. */
function statusesFor(own: number): { fits(status: number): boolean; text: string } {
  if (own === 401) return { fits: (status) => status === 401 || status === 403, text: '401 or 403' };
  if (own === 429) return { fits: (status) => status === 429, text: '429' };
  if (own >= 500) return { fits: (status) => status >= 500, text: 'from 500 to 599' };
  return {
    fits: (status) => status < 500 && status !== 401 && status !== 429,
    text: 'from 400 to 499, and neither 401 nor 429',
  };
}
