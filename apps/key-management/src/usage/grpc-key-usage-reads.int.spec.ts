import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { RunningService } from '#libs/service-kit/serve';
import { eventually } from '#libs/testing/eventually';
import {
  ask,
  createKeysDatabase,
  keyBody,
  type KeysDatabase,
  registerTenant,
  serveKeyManagement,
} from '../served-key-management.contract.js';
import { ServedUsage } from './served-usage.contract.js';

jest.setTimeout(60_000);

const usage = new ServedUsage(() => ({
  lastUsedAt: new Date('2026-11-22T10:00:00Z'),
  requests30d: 7,
  refused30d: 1,
  byOutcome: { VALID: 7, REVOKED: 1 },
  windowStart: new Date('2026-10-23T10:15:00Z'),
}));

describe('the usage of a key over HTTP', () => {
  let database: KeysDatabase;
  let service: RunningService;
  let key: { id: string; createdAt: string };
  let path: string;

  beforeAll(async () => {
    await usage.start();
    database = await createKeysDatabase();
    service = await serveKeyManagement(database, { LATCHKEY_USAGE_ADDRESS: usage.address });
    const keys = `/v1/tenants/${await registerTenant(service)}/keys`;
    ({ key } = (await ask(service, 'POST', keys, { body: keyBody() })).body);
    path = `${keys}/${key.id}/usage`;
  });

  afterAll(async () => {
    await service.close();
    usage.stop();
    await database.drop();
  });

  it('is what the usage service counted, with the time the key was made', async () => {
    const { status, body } = await ask(service, 'GET', path);
    expect(status).toBe(200);
    expect(body).toEqual({
      createdAt: key.createdAt,
      lastUsedAt: '2026-11-22T10:00:00.000Z',
      lastAuthenticatedAt: null,
      requests30d: 7,
      refused30d: 1,
      byOutcome: { VALID: 7, REVOKED: 1 },
      windowStart: '2026-10-23T10:15:00.000Z',
    });
    expect(usage.asked.at(-1)).toEqual({
      request: expect.objectContaining({ keyIds: [key.id] }),
      authorization: 'Bearer token-of-key-management',
    });
  });

  it('is 503 while the usage service is away, and there again after it', async () => {
    usage.stop();
    const { status, body } = await ask(service, 'GET', path);
    expect([status, body.code]).toEqual([503, 'UNAVAILABLE']);
    await usage.start();
    await eventually(async () => expect((await ask(service, 'GET', path)).status).toBe(200));
  });
});
