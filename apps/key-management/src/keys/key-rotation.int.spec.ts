import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type Answer, keyBody, ServedForSuite } from '../served-key-management.contract.js';

jest.setTimeout(60_000);

const SECRET = /^lk_live_[0-9A-Za-z]{39}$/;

describe('the secrets of a key over HTTP', () => {
  const served = new ServedForSuite();
  let keys: string;

  beforeEach(async () => {
    ({ keys } = await served.tenant());
  });

  async function create(more: object = {}): Promise<Answer['body']> {
    const { status, body } = await served.ask('POST', keys, { body: keyBody(more) });
    expect(status).toBe(201);
    return body;
  }

  describe('rotating', () => {
    it('gives the same key another secret; the previous one stays valid for a day', async () => {
      const { key, secret } = await create();
      const { status, body } = await served.ask('POST', `${keys}/${key.id}/rotate`);
      expect(status).toBe(200);
      expect(body.secret).toMatch(SECRET);
      expect(body.secret).not.toBe(secret);
      const { id, secretGeneration, previousSecretValidUntil } = body.key;
      expect({ id, secretGeneration }).toEqual({ id: key.id, secretGeneration: 2 });
      const { body: history } = await served.ask('GET', `${keys}/${key.id}/events`);
      const grace = Date.parse(previousSecretValidUntil) - history.data[1].data.rotatedAtMs;
      expect(grace).toBe(86_400_000);
    });

    it('is 409 in the grace period unless it may end it', async () => {
      const { key } = await create();
      const rotate = `${keys}/${key.id}/rotate`;
      await served.ask('POST', rotate, { body: { graceSeconds: 2_592_000 } });
      const refused = await served.ask('POST', rotate);
      expect([refused.status, refused.body.code]).toEqual([409, 'ROTATION_IN_PROGRESS']);
      const { status, body } = await served.ask('POST', rotate, {
        body: { retirePrevious: true, graceSeconds: 0 },
      });
      expect(status).toBe(200);
      expect([body.key.secretGeneration, body.key.previousSecretValidUntil]).toEqual([3, null]);
      expect((await served.ask('POST', rotate)).status).toBe(200);
    });

    it('retires the previous secret early where that is asked for, as often as it is', async () => {
      const { key } = await create();
      await served.ask('POST', `${keys}/${key.id}/rotate`);
      const first = await served.ask('POST', `${keys}/${key.id}/retire-previous-secret`);
      expect([first.status, first.body.key.previousSecretValidUntil]).toEqual([200, null]);
      const second = await served.ask('POST', `${keys}/${key.id}/retire-previous-secret`);
      expect([second.status, second.body]).toEqual([200, first.body]);
    });

    it('lets one of many at once rotate', async () => {
      const { key } = await create();
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => served.ask('POST', `${keys}/${key.id}/rotate`)),
      );
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
      const { body } = await served.ask('GET', `${keys}/${key.id}`);
      expect(body.key.secretGeneration).toBe(2);
    });
  });

  describe('revoking', () => {
    it('is for ever, and repeating it changes nothing', async () => {
      const { key } = await create();
      const first = await served.ask('POST', `${keys}/${key.id}/revoke`, { body: { reason: 'leaked' } });
      expect([first.status, first.body.key.status]).toEqual([200, 'revoked']);
      const again = await Promise.all(
        Array.from({ length: 30 }, () => served.ask('POST', `${keys}/${key.id}/revoke`)),
      );
      for (const { status, body } of again) expect([status, body]).toEqual([200, first.body]);
      for (const path of ['rotate', 'retire-previous-secret']) {
        const { status, body } = await served.ask('POST', `${keys}/${key.id}/${path}`);
        expect([status, body.code]).toEqual([409, 'KEY_REVOKED']);
      }
    });

    it('is one event when many wish it at once', async () => {
      const { key } = await create();
      const answers = await Promise.all(
        Array.from({ length: 50 }, () => served.ask('POST', `${keys}/${key.id}/revoke`)),
      );
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
      const { body } = await served.ask('GET', `${keys}/${key.id}/events`);
      expect(body.data.map(({ type }: { type: string }) => type)).toEqual(['KeyCreated', 'KeyRevoked']);
    });
  });
});
