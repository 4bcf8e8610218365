import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Server, ServerCredentials, type sendUnaryData, type ServerUnaryCall } from '@grpc/grpc-js';
import {
  type ListKeyUsageRequest,
  ListKeyUsageResponse,
  UsageServiceService,
} from '#libs/contracts/gen/latchkey/v1/usage_service';
import { freePort } from '#libs/service-kit/embedded-free-port';
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

jest.setTimeout(60_000);

/** What the usage service is asked, and with which token. */
const asked: { request: ListKeyUsageRequest; authorization: unknown }[] = [];

function listKeyUsage(
  { request, metadata }: ServerUnaryCall<ListKeyUsageRequest, ListKeyUsageResponse>,
  answer: sendUnaryData<ListKeyUsageResponse>,
): void {
  asked.push({ request, authorization: metadata.get('authorization')[0] });
  const usages = request.keyIds.map((keyId) => ({
    keyId,
    lastUsedAt: new Date('2026-11-22T10:00:00Z'),
    requests30d: 7,
    refused30d: 1,
    byOutcome: { VALID: 7, REVOKED: 1 },
    windowStart: new Date('2026-10-23T10:15:00Z'),
  }));
  answer(null, ListKeyUsageResponse.fromPartial({ usages } as never));
}

describe('the usage of a key over HTTP', () => {
  let database: KeysDatabase;
  let service: RunningService;
  let server: Server;
  let address: string;
  let key: { id: string; createdAt: string };
  let path: string;

  function startUsage(): Promise<Server> {
    const started = new Server();
    started.addService(UsageServiceService, { listKeyUsage } as never);
    return new Promise((resolve, reject) =>
      started.bindAsync(address, ServerCredentials.createInsecure(), (error) =>
        error === null ? resolve(started) : reject(error),
      ),
    );
  }

  beforeAll(async () => {
    address = `127.0.0.1:${await freePort()}`;
    server = await startUsage();
    database = await createKeysDatabase();
    service = await serveKeyManagement(database, { LATCHKEY_USAGE_ADDRESS: address });
    const keys = `/v1/tenants/${await registerTenant(service)}/keys`;
    ({ key } = (await ask(service, 'POST', keys, { body: keyBody() })).body);
    path = `${keys}/${key.id}/usage`;
  });

  afterAll(async () => {
    await service.close();
    server.forceShutdown();
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
    expect(asked.at(-1)).toEqual({
      request: expect.objectContaining({ keyIds: [key.id] }),
      authorization: 'Bearer token-of-key-management',
    });
  });

  it('is 503 while the usage service is away, and there again after it', async () => {
    server.forceShutdown();
    const { status, body } = await ask(service, 'GET', path);
    expect([status, body.code]).toEqual([503, 'UNAVAILABLE']);
    server = await startUsage();
    await eventually(async () => expect((await ask(service, 'GET', path)).status).toBe(200));
  });
});
