import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { RunningService } from '#libs/service-kit/serve';
import {
  ask,
  createKeysDatabase,
  keyBody,
  type KeysDatabase,
  serveKeyManagement,
} from '../served-key-management.contract.js';

jest.setTimeout(60_000);

describe('tenants over HTTP', () => {
  let database: KeysDatabase;
  let service: RunningService;
  let id: string;
  let path: string;

  beforeAll(async () => {
    database = await createKeysDatabase();
    service = await serveKeyManagement(database);
  });

  afterAll(async () => {
    await service.close();
    await database.drop();
  });

  beforeEach(() => {
    id = `t-${randomUUID()}`;
    path = `/v1/tenants/${id}`;
  });

  it('registers one with 201, answers 200 from then on, and changes what is given', async () => {
    const first = await ask(service, 'PUT', path, { body: { name: 'Acme' } });
    expect(first.status).toBe(201);
    expect(first.body).toEqual({
      id,
      name: 'Acme',
      status: 'active',
      maxActiveKeys: 1000,
      profile: 'default',
      plan: null,
      registeredAt: expect.stringMatching(/Z$/),
      revision: expect.any(String),
    });
    const again = await ask(service, 'PUT', path, { body: { name: 'Acme' } });
    expect([again.status, again.body]).toEqual([200, first.body]);
    const changed = await ask(service, 'PUT', path, { body: { maxActiveKeys: 5 } });
    expect([changed.status, changed.body]).toEqual([
      200,
      { ...first.body, maxActiveKeys: 5, revision: expect.any(String) },
    ]);
    const read = await ask(service, 'GET', path);
    expect([read.status, read.body]).toEqual([200, { ...changed.body, revision: read.body.revision }]);
  });

  it('needs no body', async () => {
    const { status, body } = await ask(service, 'PUT', path);
    expect([status, body.name]).toEqual([201, id]);
  });

  it.each(['a', '0', 'a_b-c', 'x'.repeat(63)])('takes the id %s', async (given) => {
    const { status } = await ask(service, 'PUT', `/v1/tenants/${given}`);
    expect(status).toBe(201);
  });

  it('answers one of many that register it at once with 201, and the others with 200', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => ask(service, 'PUT', path, { body: {} })),
    );
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([
      ...Array(19).fill(200),
      201,
    ]);
  });

  it('suspends and resumes, as often as it is asked', async () => {
    await ask(service, 'PUT', path);
    for (const [verb, status, tenantStatus] of [
      ['suspend', 'enforced', 'suspended'],
      ['suspend', 'enforced', 'suspended'],
      ['resume', 'committed', 'active'],
      ['resume', 'committed', 'active'],
    ]) {
      const { body, ...answer } = await ask(service, 'POST', `${path}/${verb}`, {
        body: { reason: 'invoice' },
      });
      expect([answer.status, body.status, body.tenant.status]).toEqual([200, status, tenantStatus]);
    }
  });

  it('is 404 for one that is not there', async () => {
    for (const [method, verb] of [
      ['GET', ''],
      ['POST', '/suspend'],
      ['POST', '/resume'],
    ]) {
      const { status, body } = await ask(service, method as string, `${path}${verb}`);
      expect([status, body.code]).toEqual([404, 'TENANT_NOT_FOUND']);
    }
  });

  it('can be registered and filled by two instances in opposite orders, and neither is stuck or fails', async () => {
    const other = await serveKeyManagement(database);
    try {
      const ids = Array.from({ length: 30 }, (_, i) => `order-${i}-${id}`);
      const fill = (at: RunningService, order: readonly string[], digit: string) =>
        order.flatMap((tenantId, i) => [
          ask(at, 'PUT', `/v1/tenants/${tenantId}`, { body: { name: digit } }),
          ask(at, 'POST', `/v1/tenants/${tenantId}/keys`, { body: keyBody() }),
          ask(at, 'POST', `/v1/tenants/${tenantId}/keys/import`, {
            body: keyBody({ digest: String(i % 10).repeat(64), attestedEntropyBits: 128 }),
          }),
        ]);
      for (let round = 0; round < 3; round += 1) {
        const answers = await Promise.all([
          ...fill(service, ids, `a${round}`),
          ...fill(other, ids.toReversed(), `b${round}`),
        ]);
        const outcomes = new Set(answers.map(({ status, body }) => `${status} ${body.code ?? ''}`.trim()));
        const allowed = ['200', '201', '404 TENANT_NOT_FOUND', '409 DIGEST_TAKEN', '409 CONFLICT'];
        expect([...outcomes].filter((outcome) => !allowed.includes(outcome))).toEqual([]);
      }
    } finally {
      await other.close();
    }
  });
});
