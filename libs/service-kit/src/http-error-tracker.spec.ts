import { Registry } from 'prom-client';
import { eventually } from '#libs/testing/eventually';
import type { Fault } from './error-tracker.js';
import { HttpErrorTracker } from './http-error-tracker.js';
import { createLogger } from './logger.js';
import { receiveWebhooks, type WebhookReceiver } from './webhook-receiver.contract.js';

const KEY = `lk_live_${'aB3'.repeat(13)}`;

const fault = (errorId: string, error: unknown = new Error('broken')): Fault => ({
  errorId,
  error,
  requestId: 'request-1',
  traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
  route: '/v1/keys/:keyId',
  method: 'POST',
});

describe('an error tracker behind a webhook', () => {
  let receiver: WebhookReceiver;
  let metrics: Registry;
  let lines: string[];
  beforeEach(async () => {
    receiver = await receiveWebhooks();
    metrics = new Registry();
    lines = [];
  });
  afterEach(() => receiver.close());

  function trackerAt(url = receiver.url, limits: { timeoutMs?: number; closeTimeoutMs?: number } = {}) {
    const logger = createLogger('api', 'info', { write: (line) => void lines.push(line) });
    return new HttpErrorTracker({ url, service: 'api', logger, metrics, ...limits });
  }
  const ids = () => receiver.received.map(({ body }) => (JSON.parse(body) as Fault).errorId);
  async function dropped(): Promise<Record<string, number>> {
    const metric = await metrics.getSingleMetric('latchkey_fault_reports_dropped_total')?.get();
    const counts = metric?.values.filter(({ value }) => value > 0) ?? [];
    return Object.fromEntries(counts.map(({ labels, value }) => [String(labels['reason']), value]));
  }

  it('is told where a fault happened and what it was, and nothing else', async () => {
    const tracker = trackerAt();
    const error = Object.assign(new TypeError(`no key ${KEY}`, { cause: new Error('socket hang up') }), {
      config: { headers: { authorization: `Bearer ${KEY}` } },
      query: 'select 1',
    });
    tracker.report(fault('e1', error));
    await tracker.close();
    const [{ headers, body } = { headers: {}, body: '' }] = receiver.received;
    expect(headers['content-type']).toBe('application/json');
    const report = JSON.parse(body) as { error: { stack: string } };
    expect(report).toEqual({
      service: 'api',
      errorId: 'e1',
      requestId: 'request-1',
      traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
      route: '/v1/keys/:keyId',
      method: 'POST',
      occurredAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      error: {
        name: 'TypeError',
        message: 'no key [redacted]: socket hang up',
        stack: expect.stringContaining('http-error-tracker.spec'),
      },
    });
    expect(report.error.stack).toContain('caused by: Error: socket hang up');
    expect(body).not.toContain(KEY.slice(-20));
    expect(await dropped()).toEqual({});
  });

  it.each([['a secret text'], [{ secret: 'a secret text' }], [null], [undefined], [Object.create(null)]])(
    'is told that no error was thrown, and not what: %p',
    async (thrown) => {
      const tracker = trackerAt();
      tracker.report({ ...fault('e1'), error: thrown });
      await tracker.close();
      expect(receiver.received).toHaveLength(1);
      expect(receiver.received[0]?.body).toContain('what was thrown is no error');
      expect(receiver.received[0]?.body).not.toContain('a secret text');
    },
  );

  it('is told of a long message and a long stack only in part', async () => {
    const tracker = trackerAt();
    tracker.report(fault('e1', new Error('long '.repeat(100_000))));
    await tracker.close();
    expect(receiver.received[0]?.body.length).toBeLessThan(20_000);
  });

  it.each([
    ['refuses', 500],
    ['wants the report elsewhere', 307],
  ])('that %s is not asked again, and the fault is counted as not reported', async (_, status) => {
    receiver.status = status;
    const tracker = trackerAt();
    tracker.report(fault('e1'));
    tracker.report(fault('e2'));
    await tracker.close();
    expect(ids()).toEqual(['e1', 'e2']);
    expect(await dropped()).toEqual({ refused: 2 });
  });

  it('that is away costs the report, which is counted and logged without the address', async () => {
    await receiver.close();
    const tracker = trackerAt();
    tracker.report(fault('e1'));
    await tracker.close();
    expect(await dropped()).toEqual({ unreachable: 1 });
    expect(lines.map((line) => JSON.parse(line) as object)).toEqual([
      expect.objectContaining({ level: 'warn', errorId: 'e1', detail: 'ECONNREFUSED' }),
    ]);
    expect(lines.join()).not.toContain('secret-path');
  });

  it('that hangs is given up, and told of what comes later', async () => {
    receiver.status = null;
    const tracker = trackerAt(receiver.url, { timeoutMs: 200 });
    tracker.report(fault('e1'));
    await eventually(async () => expect(await dropped()).toEqual({ unreachable: 1 }));
    receiver.status = 204;
    tracker.report(fault('e2'));
    await tracker.close();
    expect(ids()).toEqual(['e1', 'e2']);
    expect(await dropped()).toEqual({ unreachable: 1 });
  });

  it('that is slow never makes more than a hundred reports wait: the others are counted and dropped', async () => {
    receiver.status = null;
    const tracker = trackerAt(receiver.url, { closeTimeoutMs: 100 });
    for (let n = 0; n < 150; n += 1) tracker.report(fault(`e${n}`));
    expect(await dropped()).toEqual({ queue_full: 49 });
    await eventually(() => expect(ids()).toEqual(['e0']));
    await tracker.close();
    expect(await dropped()).toEqual({ queue_full: 49, closed: 101 });
  });

  it('is told when closing of what still waits, and of nothing afterwards', async () => {
    const tracker = trackerAt();
    for (let n = 0; n < 20; n += 1) tracker.report(fault(`e${n}`));
    await tracker.close();
    expect(ids()).toHaveLength(20);
    tracker.report(fault('late'));
    await tracker.close();
    expect(ids()).toHaveLength(20);
    expect(await dropped()).toEqual({ closed: 1 });
  });
});
