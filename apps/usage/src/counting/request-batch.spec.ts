import type { RequestEvent } from '#libs/contracts';
import { isUse, namesLiveKey, readParkedEvent, readRequestMessage } from './request-batch.js';

const incarnation = '3f0c8b1e-53a9-4b8f-9c5e-2f6f5f1f7d10';
const event: RequestEvent = {
  requestId: 'r1',
  tenantId: 'acme',
  keyId: 'key_1',
  environment: 'live',
  outcome: 'VALID',
  status: 200,
  route: '/v1/whoami',
  method: 'GET',
  caller: 'api',
  occurredAtMs: 1_790_000_000_000,
  reported: false,
};
const read = (value: unknown) => readRequestMessage(Buffer.from(JSON.stringify(value)));

describe('reading a message of requests', () => {
  it('gives its events with their sequences', () => {
    expect(read({ incarnation, firstSequence: 7, events: [event, event] })).toEqual({
      run: { incarnation, firstSequence: 7, events: [event, event] },
    });
  });

  it.each([
    ['no JSON', Buffer.from('{'), 'not JSON'],
    ['nothing at all', Buffer.alloc(0), 'not JSON'],
    ['a list', Buffer.from('[]'), 'not a JSON object'],
  ])('refuses %s', (_, value, problem) => {
    expect(readRequestMessage(value)).toEqual({ problem: expect.stringContaining(problem) });
  });

  it.each([
    ['incarnation', { incarnation: 'one', firstSequence: 1, events: [event] }],
    ['firstSequence', { incarnation, firstSequence: 0, events: [event] }],
    ['firstSequence', { incarnation, firstSequence: 1.5, events: [event] }],
    ['events', { incarnation, firstSequence: 1, events: [] }],
    ['events', { incarnation, firstSequence: 1 }],
  ])('refuses a wrong %s', (field, value) => {
    expect(read(value)).toEqual({ problem: expect.stringContaining(field) });
  });

  it.each<[string, Partial<Record<keyof RequestEvent, unknown>>]>([
    ['requestId', { requestId: '' }],
    ['tenantId', { tenantId: '*' }],
    ['tenantId', { tenantId: 'Acme' }],
    ['keyId', { keyId: 'a\u0000b' }],
    ['keyId', { keyId: 'x'.repeat(201) }],
    ['outcome', { outcome: 'NOT_FOUND' }],
    ['outcome', { outcome: 'VALIDISH' }],
    ['status', { status: '200' }],
    ['occurredAtMs', { occurredAtMs: 1_790_000_000 }],
    ['reported', { reported: undefined }],
  ])('gives an event with a wrong %s its sequence but does not count it', (field, change) => {
    const { run, problem } = read({
      incarnation,
      firstSequence: 4,
      events: [event, { ...event, ...change }, event],
    });
    expect(run?.events).toEqual([event, undefined, event]);
    expect(problem).toMatch(new RegExp(`^event 5: ${field}`));
  });

  it('names only the first few of many wrong events', () => {
    const { problem } = read({ incarnation, firstSequence: 1, events: Array(1000).fill(null) });
    expect(problem?.length).toBeLessThan(300);
  });

  it('brings a parked event back as it was', () => {
    expect(readParkedEvent(JSON.stringify(event))).toEqual(event);
    expect(readParkedEvent('null')).toBeUndefined();
  });
});

describe('what a request tells of its key', () => {
  it.each<[RequestEvent['outcome'], number | null, boolean, boolean]>([
    ['VALID', null, true, true],
    ['VALID', 204, true, true],
    ['VALID', 399, true, true],
    ['VALID', 400, false, true],
    ['VALID', 500, false, true],
    ['INSUFFICIENT_SCOPE', null, false, true],
    ['INSUFFICIENT_SCOPE', 403, false, true],
    ['RATE_LIMITED', null, false, true],
    ['REVOKED', null, false, false],
    ['SECRET_RETIRED', 401, false, false],
    ['EXPIRED', null, false, false],
    ['TENANT_SUSPENDED', null, false, false],
  ])('%s with status %s: used %s, live %s', (outcome, status, used, live) => {
    expect(isUse({ ...event, outcome, status })).toBe(used);
    expect(namesLiveKey({ ...event, outcome, status })).toBe(live);
  });
});
