import type { RequestEvent } from '#libs/contracts';
import { REPEAT_WITHIN_MS, reportRounds } from './repeated-reports.js';

const START_MS = 1_790_000_000_000;

function report(requestId: string, afterMs = 0, tenantId = 'acme'): RequestEvent {
  return {
    requestId,
    tenantId,
    keyId: 'key_1',
    environment: 'live',
    outcome: 'VALID',
    status: 200,
    route: '/',
    method: 'GET',
    caller: 'api',
    occurredAtMs: START_MS + afterMs,
    reported: true,
  };
}

describe('reports of one batch', () => {
  it('count once when the same id comes again within 15 minutes, before or after', () => {
    const first = report('a');
    expect(reportRounds([first, report('a', REPEAT_WITHIN_MS), report('a', -REPEAT_WITHIN_MS)])).toEqual([
      [first],
    ]);
  });

  it('count again later, and then it is for the store to say which are repeats', () => {
    const [first, later] = [report('a'), report('a', REPEAT_WITHIN_MS + 1)];
    expect(reportRounds([first, later])).toEqual([[first], [later]]);
  });

  it('are told apart by tenant', () => {
    const [one, other] = [report('a', 0, 'acme'), report('a', 0, 'beta')];
    expect(reportRounds([other, one])).toEqual([[one, other]]);
  });

  it('come in the order of their ids, whatever the order they came in', () => {
    const reports = ['c', 'a', 'b'].map((id) => report(id));
    expect(reportRounds(reports)[0]?.map(({ requestId }) => requestId)).toEqual(['a', 'b', 'c']);
  });
});
