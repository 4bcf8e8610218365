import { describe, expect, it } from '@jest/globals';
import { WakeUp } from './wake-up.js';

const FOR_EVER_MS = 2 ** 31 - 1;

describe('WakeUp', () => {
  it('ends the wait under way', async () => {
    const wakeUp = new WakeUp();
    const waiting = wakeUp.wait(FOR_EVER_MS);
    wakeUp.ring();
    await expect(waiting).resolves.toBeUndefined();
  });

  it('does not miss what rang before the wait', async () => {
    const wakeUp = new WakeUp();
    wakeUp.ring();
    wakeUp.ring();
    await expect(wakeUp.wait(FOR_EVER_MS)).resolves.toBeUndefined();
  });

  it('waits again after a ring was heard', async () => {
    const wakeUp = new WakeUp();
    wakeUp.ring();
    await wakeUp.wait(FOR_EVER_MS);
    const order: string[] = [];
    const waiting = wakeUp.wait(FOR_EVER_MS).then(() => order.push('woken'));
    await new Promise((resolve) => setImmediate(resolve));
    order.push('ring');
    wakeUp.ring();
    await waiting;
    expect(order).toEqual(['ring', 'woken']);
  });

  it('wakes by itself when nothing rings', async () => {
    await expect(new WakeUp().wait(1)).resolves.toBeUndefined();
  });
});
