import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { credentials } from '@grpc/grpc-js';
import {
  CreateKeyRequest,
  type CreateKeyResponse,
  KeyManagementServiceClient,
} from '#libs/contracts/gen/latchkey/v1/key_management_service';
import type { RunningService } from '#libs/service-kit/serve';
import { bearer } from '../grpc-client.contract.js';
import {
  type Answer,
  ask,
  createKeysDatabase,
  keyBody,
  type KeysDatabase,
  registerTenant,
  serveKeyManagement,
  TOKENS,
} from '../served-key-management.contract.js';
import { ServedUsage } from '../usage/served-usage.contract.js';

jest.setTimeout(60_000);

const LONG_AGO = '2020-01-01T00:00:00Z';
const lastUses = new Map<string, Date>();
const usage = new ServedUsage((keyId) => ({ lastUsedAt: lastUses.get(keyId) }));

describe('revoking many keys', () => {
  let database: KeysDatabase;
  let service: RunningService;
  let grpc: KeyManagementServiceClient;

  beforeAll(async () => {
    await usage.start();
    database = await createKeysDatabase();
    service = await serveKeyManagement(database, { LATCHKEY_USAGE_ADDRESS: usage.address });
    grpc = new KeyManagementServiceClient(service.grpcAddress as string, credentials.createInsecure());
  });

  afterAll(async () => {
    grpc.close();
    await service.close();
    usage.stop();
    await database.drop();
  });

  const revoke = (tenantId: string, body: object): Promise<Answer> =>
    ask(service, 'POST', `/v1/tenants/${tenantId}/keys/revoke`, { body });

  async function create(tenantId: string, more: object = {}): Promise<string> {
    const { body } = await ask(service, 'POST', `/v1/tenants/${tenantId}/keys`, { body: keyBody(more) });
    return body.key.id;
  }

  /** A key that another key, or a service, made. */
  function createAs(tenantId: string, actor: { type: string; id: string }): Promise<string> {
    const request = CreateKeyRequest.fromPartial({
      tenantId,
      name: 'made',
      environment: 'live',
      scopes: ['read'],
      actor,
    });
    return new Promise((resolve, reject) => {
      grpc.createKey(request, bearer(TOKENS.manage), (error, { key }: CreateKeyResponse) => {
        if (error === null) resolve(key?.id as string);
        else reject(error);
      });
    });
  }

  async function statuses(tenantId: string): Promise<Record<string, string>> {
    const { body } = await ask(service, 'GET', `/v1/tenants/${tenantId}/keys?limit=100`);
    return Object.fromEntries(body.data.map((key: { id: string; status: string }) => [key.id, key.status]));
  }

  it('by ids reports which were revoked, were revoked before, and are no keys of the tenant', async () => {
    const tenantId = await registerTenant(service);
    const other = await create(await registerTenant(service));
    const [first, second, kept] = [await create(tenantId), await create(tenantId), await create(tenantId)];
    await revoke(tenantId, { keyIds: [second] });
    const unknown = `key_${randomUUID().replaceAll('-', '').slice(0, 30)}`;

    const { status, body } = await revoke(tenantId, { keyIds: [first, second, other, unknown, 'x'] });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      dryRun: false,
      revoked: [first],
      alreadyRevoked: [second],
      notFound: [other, unknown, 'x'],
      failed: [],
      more: false,
    });
    expect(await statuses(tenantId)).toEqual({ [first]: 'revoked', [second]: 'revoked', [kept]: 'active' });
  });

  it('of a whole tenant asks for it in so many words, and leaves other tenants alone', async () => {
    const tenantId = await registerTenant(service);
    const neighbour = await registerTenant(service);
    const [mine, its] = [await create(tenantId), await create(neighbour)];
    const refused = await revoke(tenantId, { reason: 'cleaning up' });
    expect([refused.status, refused.body.errors[0].field]).toEqual([400, 'all']);
    expect((await revoke(tenantId, { all: true })).body.revoked).toEqual([mine]);
    expect(await statuses(neighbour)).toEqual({ [its]: 'active' });
  });

  it('as a dry run tells what it would revoke and revokes nothing', async () => {
    const tenantId = await registerTenant(service);
    const [live, test] = [await create(tenantId), await create(tenantId, { environment: 'test' })];
    const { body } = await revoke(tenantId, { environment: 'test', dryRun: true });
    expect(body).toMatchObject({ dryRun: true, revoked: [test] });
    expect(await statuses(tenantId)).toEqual({ [live]: 'active', [test]: 'active' });
  });

  it('by creator, and all descendants of a managing key but not the key itself', async () => {
    const tenantId = await registerTenant(service);
    const managing = await create(tenantId, { scopes: ['keys:manage'] });
    const child = await createAs(tenantId, { type: 'key', id: managing });
    const grandchild = await createAs(tenantId, { type: 'key', id: child });
    const ofBilling = await createAs(tenantId, { type: 'service', id: 'billing' });

    const descendants = await revoke(tenantId, { descendantsOf: managing, dryRun: true });
    expect(new Set(descendants.body.revoked)).toEqual(new Set([child, grandchild]));
    const children = await revoke(tenantId, { createdBy: { type: 'key', id: managing } });
    expect(children.body.revoked).toEqual([child]);
    expect((await revoke(tenantId, { descendantsOf: managing })).body.revoked).toEqual([grandchild]);
    expect(await statuses(tenantId)).toMatchObject({ [managing]: 'active', [ofBilling]: 'active' });
  });

  it('by age of the last use spares what was used, or made, since', async () => {
    const tenantId = await registerTenant(service);
    const [used, unused] = [await create(tenantId), await create(tenantId)];
    lastUses.set(used, new Date());
    expect((await revoke(tenantId, { lastUsedBefore: LONG_AGO })).body.revoked).toEqual([]);
    const soon = new Date(Date.now() + 3_600_000).toISOString();
    lastUses.set(used, new Date(Date.now() + 7_200_000));
    expect((await revoke(tenantId, { lastUsedBefore: soon })).body.revoked).toEqual([unused]);
  });

  it('by age of the last use revokes nothing while the usage service is away', async () => {
    const tenantId = await registerTenant(service);
    const key = await create(tenantId);
    usage.stop();
    const soon = new Date(Date.now() + 3_600_000).toISOString();
    const { status } = await revoke(tenantId, { lastUsedBefore: soon });
    await usage.start();
    expect(status).toBe(503);
    expect(await statuses(tenantId)).toEqual({ [key]: 'active' });
  });

  it('keeps who did it and why in the history of each key', async () => {
    const tenantId = await registerTenant(service);
    const keyIds = await Promise.all(Array.from({ length: 20 }, () => create(tenantId)));
    const { body } = await revoke(tenantId, { all: true, reason: 'leaver' });
    expect(new Set(body.revoked)).toEqual(new Set(keyIds));
    const history = await ask(service, 'GET', `/v1/tenants/${tenantId}/keys/${keyIds[7]}/events`);
    expect(history.body.data.at(-1)).toMatchObject({
      type: 'KeyRevoked',
      reason: 'leaver',
      actor: { type: 'operator', id: 'operator' },
    });
  });

  it.each([
    [{ keyIds: [] }, 'keyIds'],
    [{ keyIds: ['a', 'a'] }, 'keyIds'],
    [{ all: 'yes' }, 'all'],
    [{ environment: 'prod' }, 'environment'],
    [{ createdBy: { type: 'nobody', id: 'x' } }, 'createdBy.type'],
    [{ lastUsedBefore: 'yesterday' }, 'lastUsedBefore'],
    [{ descendantsOf: 7 }, 'descendantsOf'],
    [{ everything: true }, 'everything'],
  ])('refuses %j and names the field', async (body, field) => {
    const tenantId = await registerTenant(service);
    const answer = await revoke(tenantId, body);
    expect([answer.status, answer.body.errors[0].field]).toEqual([400, field]);
  });

  it('is 404 for a tenant that is not there', async () => {
    const { status, body } = await revoke('nobody', { all: true });
    expect([status, body.code]).toEqual([404, 'TENANT_NOT_FOUND']);
  });
});
