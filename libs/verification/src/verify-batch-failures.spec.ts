import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { givenVerification } from './given-verification.contract.js';
import { newCredential } from './record-examples.contract.js';

describe('a batch that fails', () => {
  const unhandled: unknown[] = [];
  const keep = (reason: unknown) => unhandled.push(reason);
  beforeEach(() => {
    process.on('unhandledRejection', keep);
  });
  afterEach(() => {
    process.off('unhandledRejection', keep);
  });

  it('ends no process, however many of its requests fail, and in whatever order', async () => {
    const { verifier, key, request, limiter, authority, view, clocks } = await givenVerification();
    const requests = [];
    for (let n = 0; n < 3; n += 1) requests.push(request((await key({ requestsPerMinute: 10 })).credential));
    await verifier.verifyAll(requests, 'caller');
    const consume = limiter.consume.bind(limiter);
    // The lease lapses while the limits are asked.
    limiter.consume = async (demands) => {
      const admissions = await consume(demands);
      await nextTurn();
      clocks.jump(60_000);
      return admissions;
    };
    await expect(verifier.verifyAll(requests, 'caller')).rejects.toMatchObject({
      code: 'FENCE_LEASE_LAPSED',
    });
    view.away = true;
    authority.away = true;
    const unknown = [request(newCredential()), request(newCredential())];
    await expect(verifier.verifyAll(unknown, 'caller')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    for (let turn = 0; turn < 3; turn += 1) await nextTurn();
    expect(unhandled).toEqual([]);
  });

  it('takes nothing from a limit where one of its requests cannot be answered', async () => {
    const { verifier, key, request, limiter, authority, view } = await givenVerification();
    const { credential } = await key({ requestsPerMinute: 10 });
    await verifier.verify(request(credential), 'caller');
    view.away = true;
    authority.away = true;
    const requests = [request(credential), request(newCredential())];
    for (let n = 0; n < 20; n += 1) {
      await expect(verifier.verifyAll(requests, 'caller')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    }
    const { response } = await verifier.verify(request(credential), 'caller');
    expect(response.rateLimit).toMatchObject({ limit: 10, remaining: 8 });
    expect(limiter.size).toBe(1);
  });

  it('takes nothing from a limit where it is refused before any was asked', async () => {
    const { verifier, key, request, limiter, clocks } = await givenVerification();
    const { credential } = await key({ requestsPerMinute: 10 });
    await verifier.verify(request(credential), 'caller');
    clocks.jump(60_000);
    await expect(
      verifier.verifyAll([request(credential), request(credential)], 'caller'),
    ).rejects.toMatchObject({ code: 'FENCE_LEASE_LAPSED' });
    expect(limiter.size).toBe(1);
  });
});
