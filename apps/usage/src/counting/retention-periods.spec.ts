import { REQUEST_TOPICS, REQUESTS_TOPIC } from '#libs/contracts';
import { INCARNATION_AGE_MAX_MS, REPLAY_AGE_MAX_MS } from '#libs/request-reporting';
import { REPEAT_WITHIN_MS } from './repeated-reports.js';
import { RETENTION_PERIODS_MS } from './retention-periods.js';

describe('what is remembered', () => {
  it('of an incarnation outlives every message it can still send and the log can still hold', () => {
    const retentionMs = REQUEST_TOPICS.find(({ name }) => name === REQUESTS_TOPIC)?.retentionMs ?? Infinity;
    expect(INCARNATION_AGE_MAX_MS).toBeLessThan(REPLAY_AGE_MAX_MS);
    expect(RETENTION_PERIODS_MS.reporters).toBeGreaterThan(REPLAY_AGE_MAX_MS + retentionMs);
  });

  it('of a report outlives the time in which it may be repeated', () => {
    expect(RETENTION_PERIODS_MS.reports).toBeGreaterThan(REPEAT_WITHIN_MS);
  });
});
