import { checkHistory, type HistoryRecord, type VerifyRecord } from './check-history.js';

const KEY = 'key-1';
const TENANT = 'tenant-a';

/** From when to when. */
type Span = readonly [number, number];

function allow([invokedAt, returnedAt]: Span, more: Partial<VerifyRecord> = {}): VerifyRecord {
  const who = { verifier: 'v', incarnation: 'v1' };
  const subjects = [KEY, TENANT];
  return { type: 'verify', ...who, invokedAt, returnedAt, verdict: 'ALLOW', subjects, ...more };
}

function refuse(span: Span, refusedFor: string, more: Partial<VerifyRecord> = {}): VerifyRecord {
  return allow(span, { verdict: 'REFUSE', refusedFor, ...more });
}

function enforced([invokedAt, enforcedAt]: Span, subject: string, revision?: string): HistoryRecord {
  const token = revision === undefined ? {} : { revision };
  return { type: 'restrict', subject, invokedAt, committedAt: enforcedAt, enforcedAt, ...token };
}

function committed([invokedAt, committedAt]: Span, subject: string, revision?: string): HistoryRecord {
  const token = revision === undefined ? {} : { revision };
  return { type: 'restrict', subject, invokedAt, committedAt, ...token };
}

function widened([invokedAt, committedAt]: Span, effectiveAt: number, revision?: string): HistoryRecord {
  const token = revision === undefined ? {} : { revision };
  return { type: 'widen', subject: TENANT, invokedAt, committedAt, effectiveAt, ...token };
}

function rulesBroken(...records: HistoryRecord[]): number[] {
  const rules = checkHistory(records).map(({ rule }) => rule);
  expect(checkHistory(records.toReversed()).map(({ rule }) => rule)).toHaveLength(rules.length);
  return rules;
}

describe('rule 1: nothing is allowed that began after its restriction was called enforced', () => {
  it('reports an answer that began later, and says which', () => {
    const record = allow([21, 22]);
    const [violation] = checkHistory([enforced([10, 20], KEY), record]);
    expect(violation).toMatchObject({ rule: 1, subject: KEY, record });
  });

  it('lets pass what began before, however late it was answered', () => {
    expect(rulesBroken(enforced([10, 20], KEY), allow([19, 99]))).toEqual([]);
  });

  it('lets pass what was only committed, or about which nobody knows', () => {
    const unknown = { type: 'restrict', subject: KEY, invokedAt: 1 } as const;
    expect(rulesBroken(unknown, committed([10, 20], KEY), allow([30, 31]))).toEqual([]);
  });

  it('lets pass what a command may have lifted by then, and only that', () => {
    const suspended = enforced([10, 20], TENANT);
    expect(rulesBroken(suspended, widened([30, 40], 50), allow([25, 31]))).toEqual([]);
    expect(rulesBroken(suspended, widened([30, 40], 50), allow([25, 29]))).toEqual([1]);
    expect(rulesBroken(suspended, widened([1, 5], 6), allow([25, 26]))).toEqual([1]);
    expect(rulesBroken(suspended, widened([1, 15], 16), allow([25, 26]))).toEqual([]);
    const unanswered = { type: 'widen', subject: TENANT, invokedAt: 1 } as const;
    expect(rulesBroken(suspended, unanswered, allow([25, 26]))).toEqual([]);
  });

  it('lets pass what the one of several commands that was over last may have lifted', () => {
    const [slow, quick] = [widened([1, 15], 16), widened([2, 3], 4)];
    expect(rulesBroken(slow, quick, enforced([10, 20], TENANT), allow([25, 26]))).toEqual([]);
    expect(rulesBroken(quick, enforced([10, 20], TENANT), allow([25, 26]))).toEqual([1]);
  });

  it('finds a restriction that came again after it was lifted', () => {
    const history = [enforced([10, 20], TENANT), widened([30, 40], 50), enforced([60, 70], TENANT)];
    expect(rulesBroken(...history, allow([71, 72]))).toEqual([1]);
  });
});

describe('rule 2: an incarnation allows nothing that it has refused', () => {
  const revoked = committed([1, 2], KEY);

  it('reports an answer that began after its own refusal', () => {
    expect(rulesBroken(revoked, refuse([3, 4], KEY), allow([5, 6]))).toEqual([2]);
  });

  it('lets pass another incarnation, and answers that overlap', () => {
    const other = { verifier: 'w', incarnation: 'w1' };
    expect(rulesBroken(revoked, refuse([3, 4], KEY), allow([5, 6], other))).toEqual([]);
    expect(rulesBroken(revoked, refuse([3, 7], KEY), allow([5, 6]))).toEqual([]);
  });

  it('lets pass what may have been lifted between', () => {
    const suspended = committed([1, 2], TENANT);
    const history = [suspended, refuse([3, 4], TENANT), widened([5, 6], 100)];
    expect(rulesBroken(...history, allow([7, 8]))).toEqual([]);
  });
});

describe('rule 3: what must be at least as fresh as a token is', () => {
  it('reports an answer that knew less than the restriction whose token it was given', () => {
    const revoked = committed([1, 2], KEY, 'r');
    expect(rulesBroken(revoked, allow([3, 4], { atLeast: 'r' }))).toEqual([3]);
    expect(rulesBroken(revoked, allow([3, 4], { atLeast: 'another' }), allow([3, 4]))).toEqual([]);
  });

  it('reports an answer that knew less than the refusal whose token it was given', () => {
    const refused = refuse([3, 4], KEY, { incarnation: 'w1', revision: 'x' });
    expect(rulesBroken(committed([1, 2], KEY), refused, allow([5, 6], { atLeast: 'x' }))).toEqual([3]);
  });

  it('lets pass what may have been lifted since that refusal', () => {
    const refused = refuse([3, 4], TENANT, { incarnation: 'w1', revision: 'x' });
    const history = [committed([1, 2], TENANT), refused, widened([5, 6], 100)];
    expect(rulesBroken(...history, allow([7, 8], { atLeast: 'x' }))).toEqual([]);
  });

  it('reports a refusal that knew less than the resume whose token it was given', () => {
    const history = [enforced([1, 2], TENANT), widened([3, 4], 100, 'w')];
    expect(rulesBroken(...history, refuse([5, 6], TENANT, { atLeast: 'w' }))).toEqual([3]);
    expect(rulesBroken(...history, refuse([5, 6], TENANT))).toEqual([]);
    expect(
      rulesBroken(...history, committed([4, 5], TENANT), refuse([5, 6], TENANT, { atLeast: 'w' })),
    ).toEqual([]);
  });
});

describe('rule 4: nothing is refused that is not restricted', () => {
  it('reports a refusal that was answered before anybody asked for the restriction', () => {
    expect(rulesBroken(committed([10, 20], KEY), refuse([1, 9], KEY))).toEqual([4]);
    expect(rulesBroken(committed([10, 20], KEY), refuse([1, 11], KEY))).toEqual([]);
    expect(rulesBroken(refuse([1, 9], 'key-2'))).toEqual([4]);
  });

  it('reports a refusal that began after a resume was in effect, unless it was suspended again', () => {
    const history = [enforced([1, 2], TENANT), widened([3, 4], 50)];
    expect(rulesBroken(...history, refuse([51, 52], TENANT))).toEqual([4]);
    expect(rulesBroken(...history, refuse([49, 52], TENANT))).toEqual([]);
    expect(rulesBroken(...history, committed([40, 60], TENANT), refuse([51, 52], TENANT))).toEqual([]);
  });
});

it('claims nothing of what was not answered', () => {
  expect(rulesBroken(enforced([1, 2], KEY), allow([3, 4], { verdict: 'NONE' }))).toEqual([]);
});
