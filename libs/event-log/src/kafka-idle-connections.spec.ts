import { createRequire } from 'node:module';
import { afterEach, describe, expect, it } from '@jest/globals';
import { eventually } from '#libs/testing/eventually';
import { restWhenIdle } from './kafka-idle-connections.js';

restWhenIdle();
// biome-ignore lint/suspicious/noExplicitAny: an inner part of kafkajs, which declares no types for it
const RequestQueue: any = createRequire(import.meta.url)('kafkajs/src/network/requestQueue');

describe('a connection to Kafka', () => {
  const logger = { debug: () => undefined };
  const queue = new RequestQueue({
    maxInFlightRequests: 1,
    requestTimeout: 1000,
    clientId: 'c',
    broker: 'b',
    logger,
  });
  const sent: number[] = [];
  const push = (correlationId: number) =>
    queue.push({
      entry: { correlationId, resolve: () => undefined, reject: () => undefined },
      expectResponse: true,
      sendRequest: () => sent.push(correlationId),
    });
  const answer = (correlationId: number) => queue.fulfillRequest({ correlationId, size: 0, payload: null });

  afterEach(() => queue.destroy());

  it('sets no timer once everything is answered', () => {
    push(1);
    answer(1);
    expect(queue.throttleCheckTimeoutId).toBeNull();
  });

  it('sends what waited for an earlier answer', () => {
    push(2);
    push(3);
    answer(2);
    expect(sent).toEqual([1, 2, 3]);
    answer(3);
  });

  it('sends what waited for the end of a throttling', async () => {
    queue.maybeThrottle(20);
    push(4);
    expect(sent).not.toContain(4);
    await eventually(() => expect(sent).toContain(4));
  });
});
