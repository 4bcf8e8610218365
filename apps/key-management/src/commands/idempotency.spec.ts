import { beforeEach, describe, expect, it } from '@jest/globals';
import { Rejection } from '#libs/contracts';
import type { IdempotencyRecord } from '#libs/event-store';
import { AlreadyDone } from './handle-command.js';
import { Idempotency, type Wish } from './idempotency.js';

const wish: Wish = { scope: 'acme', key: 'k', requestHash: 'h' };
const record: IdempotencyRecord = { ...wish, outcome: { generation: 2 } };

describe('a wish that another replica fulfils after this one looked', () => {
  let stored: IdempotencyRecord | undefined;
  let idempotency: Idempotency;
  beforeEach(() => {
    stored = undefined;
    idempotency = new Idempotency({ findIdempotencyRecord: async () => stored });
  });

  const ask = (execute: () => Promise<object>) =>
    idempotency.once<object, object>(wish, execute, (outcome) => ({ repeated: outcome }));

  it.each([
    ['is stored first', () => new AlreadyDone()],
    ['is refused because of what the other has done', () => new Rejection('ROTATION_IN_PROGRESS')],
  ])('is answered as the other one where it %s', async (_, errorOf) => {
    const answer = await ask(async () => {
      stored = record;
      throw errorOf();
    });
    expect(answer).toEqual({ repeated: record.outcome });
  });

  it('is refused where a rule says no to the first one too', async () => {
    const refused = ask(async () => {
      throw new Rejection('ROTATION_IN_PROGRESS');
    });
    await expect(refused).rejects.toMatchObject({ code: 'ROTATION_IN_PROGRESS' });
  });

  it('is refused where the key was used for something else meanwhile', async () => {
    const refused = ask(async () => {
      stored = { ...record, requestHash: 'another' };
      throw new Rejection('ROTATION_IN_PROGRESS');
    });
    await expect(refused).rejects.toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
  });

  it('fails as it failed where nothing tells what became of it', async () => {
    const failed = ask(async () => {
      throw new Error('a fault');
    });
    await expect(failed).rejects.toThrow('a fault');
  });
});
