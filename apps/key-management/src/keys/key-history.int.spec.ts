import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { ask, keyBody, ServedForSuite, serveKeyManagement } from '../served-key-management.contract.js';

jest.setTimeout(60_000);

describe('the history of a key', () => {
  const served = new ServedForSuite({ LATCHKEY_TRUSTED_PROXIES: '127.0.0.1' });
  let keys: string;

  beforeEach(async () => {
    ({ keys } = await served.tenant());
  });

  it('says what happened, by whom, from where, in which request and trace, and why', async () => {
    const headers = {
      'x-forwarded-for': '203.0.113.9',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    };
    const created = await served.ask('POST', keys, { body: keyBody(), headers });
    const path = `${keys}/${created.body.key.id}`;
    const revoked = await served.ask('POST', `${path}/revoke`, { body: { reason: 'leaked' } });
    const { status, body } = await served.ask('GET', `${path}/events`);
    expect(status).toBe(200);
    expect(body.data).toEqual([
      {
        type: 'KeyCreated',
        version: 1,
        at: expect.stringMatching(/Z$/),
        actor: { type: 'operator', id: 'operator' },
        sourceAddress: '203.0.113.9',
        reason: null,
        requestId: created.headers.get('x-request-id'),
        traceId: '0af7651916cd43dd8448eb211c80319c',
        data: expect.objectContaining({ keyId: created.body.key.id, name: 'a key' }),
      },
      expect.objectContaining({
        type: 'KeyRevoked',
        version: 2,
        reason: 'leaked',
        sourceAddress: '127.0.0.1',
        requestId: revoked.headers.get('x-request-id'),
        traceId: null,
      }),
    ]);
  });

  it('does not believe X-Forwarded-For of who is no trusted proxy', async () => {
    const wary = await serveKeyManagement(served.database, { LATCHKEY_TRUSTED_PROXIES: '192.0.2.0/24' });
    try {
      const headers = { 'x-forwarded-for': '203.0.113.9' };
      const { body } = await ask(wary, 'POST', keys, { body: keyBody(), headers });
      const history = await ask(wary, 'GET', `${keys}/${body.key.id}/events`);
      expect(history.body.data[0].sourceAddress).toBe('127.0.0.1');
    } finally {
      await wary.close();
    }
  });
});
