import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ERROR_CAUSES, errorTableOf, ownRow } from './error-table.js';

const OWN_STATUSES = [...new Set(ERROR_CAUSES.map((cause) => ownRow(cause).status))];
const statuses = OWN_STATUSES.map((status) => ({ status, code: `of_${status}` }));

describe('the table of errors', () => {
  it('takes a cause’s own row before the code of its status', () => {
    const rows = [{ on: ['KEY_EXPIRED' as const], status: 410, code: 'gone', message: 'Gone.' }];
    const { table, problems } = errorTableOf({ rows, statuses }, 'none');
    expect(problems).toEqual([]);
    expect(table.KEY_EXPIRED).toEqual({ status: 410, code: 'gone', message: 'Gone.' });
    expect(table.KEY_REVOKED).toEqual({ status: 409, code: 'of_409', message: null });
  });

  it('has a row for every cause whichever of them have one of their own, or names each that lacks it', () => {
    fc.assert(
      fc.property(fc.subarray([...ERROR_CAUSES]), fc.subarray(statuses), (on, some) => {
        const rows = on.map((cause) => ({ on: [cause], status: ownRow(cause).status, code: cause }));
        const { table, problems } = errorTableOf({ rows, statuses: some }, 'none');
        const lacking = ERROR_CAUSES.filter((cause) => table[cause] === undefined);
        expect(problems).toEqual(
          lacking.map((cause) => `has no row for ${cause}, nor one for the status ${ownRow(cause).status}`),
        );
      }),
    );
  });

  it('is our own where nothing is said and the dialect is ours', () => {
    const { table, problems } = errorTableOf({ rows: [], statuses: [] }, 'own');
    expect(problems).toEqual([]);
    for (const cause of ERROR_CAUSES) expect(table[cause]).toEqual(ownRow(cause));
  });

  it('never answers 401, 429 or 5xx for what is none, nor anything else for what is', () => {
    for (const cause of ERROR_CAUSES) {
      const own = ownRow(cause).status;
      const allowed = Array.from({ length: 200 }, (_, at) => 400 + at).filter(
        (status) =>
          errorTableOf({ rows: [{ on: [cause], status, code: 'a' }], statuses }, 'none').problems.length ===
          0,
      );
      expect(allowed).toContain(own);
      expect(allowed.includes(401)).toBe(own === 401);
      expect(allowed.includes(429)).toBe(own === 429);
      expect(allowed.some((status) => status >= 500)).toBe(own >= 500);
      if (own === 401) expect(allowed).toEqual([401, 403]);
    }
  });
});
