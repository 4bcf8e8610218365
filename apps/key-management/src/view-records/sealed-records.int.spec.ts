import { createHash } from 'node:crypto';
import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { SealedRecord } from '#libs/contracts';
import { type Key, ListSecretRecordsRequest } from '#libs/contracts/gen/latchkey/v1/key_management_service';
import { RecordSeal, type SecretRecord } from '#libs/key-view';
import { GrpcClient, refusal } from '../grpc-client.contract.js';
import { keyBody, ServedForSuite, TOKENS } from '../served-key-management.contract.js';

jest.setTimeout(60_000);

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const seal = new RecordSeal([{ id: '1', key: Buffer.alloc(32, 7) }]);

function opened(record: SealedRecord | undefined, digest: string): SecretRecord | undefined {
  return record && seal.open({ kind: 'secret', id: digest }, record);
}

describe('sealed records over gRPC', () => {
  const served = new ServedForSuite();
  const grpc = new GrpcClient(served);
  let tenantId: string;

  beforeEach(async () => {
    ({ tenantId } = await served.tenant());
  });

  const find = (digest: string) =>
    grpc.call(grpc.client.findSecretRecord.bind(grpc.client), { digest }, TOKENS.project);
  const findTenant = (of: string) =>
    grpc.call(grpc.client.findTenantRecord.bind(grpc.client), { tenantId: of }, TOKENS.project);

  it('of a secret are found by its digest as soon as it is made, with its tenant, sealed', async () => {
    const { key, secret } = await grpc.create(tenantId);
    const digest = sha256(secret);
    const found = await find(digest);
    expect(opened(found.secret, digest)).toEqual({
      digest,
      keyId: key?.id,
      tenantId,
      environment: 'live',
      scopes: ['read'],
      generation: 1,
      secretState: 'current',
      validUntilMs: null,
      keyState: 'active',
      expiresAtMs: null,
      requestsPerMinute: null,
      version: 1,
    });
    expect(seal.open({ kind: 'tenant', id: tenantId }, found.tenant as SealedRecord)).toEqual({
      tenantId,
      state: 'active',
      profile: 'default',
      plan: null,
      version: 1,
    });
  });

  it('of retired secrets and revoked keys are found for ever, as such', async () => {
    const { key, secret } = await grpc.create(tenantId);
    const { id } = key as Key;
    const rotated = await grpc.rotate(tenantId, id, { graceSeconds: 0 });
    await grpc.revoke(tenantId, id);
    expect(opened((await find(sha256(secret))).secret, sha256(secret))).toMatchObject({
      secretState: 'retired',
      keyState: 'revoked',
      generation: 1,
      version: 3,
    });
    expect(opened((await find(sha256(rotated.secret))).secret, sha256(rotated.secret))).toMatchObject({
      secretState: 'current',
      keyState: 'revoked',
      generation: 2,
      version: 3,
    });
  });

  it('are absent for a digest and a tenant that never were, and refused for what is no digest', async () => {
    expect(await find('0'.repeat(64))).toEqual({ secret: undefined, tenant: undefined });
    expect(await findTenant('nobody')).toEqual({ tenant: undefined });
    expect(await findTenant('\u0000')).toEqual({ tenant: undefined });
    for (const digest of ['', 'A'.repeat(64), '\u0000', 'x'.repeat(10_240)]) {
      expect(await refusal(find(digest))).toEqual(['INVALID_ARGUMENT', 'INVALID_REQUEST', 'digest']);
    }
  });

  it('of a tenant say whether it is suspended', async () => {
    await served.ask('POST', `/v1/tenants/${tenantId}/suspend`);
    const { tenant } = await findTenant(tenantId);
    expect(seal.open({ kind: 'tenant', id: tenantId }, tenant as SealedRecord)).toMatchObject({
      state: 'suspended',
      version: 2,
    });
  });

  it('are all listed in pages, each secret and each tenant once', async () => {
    const { body } = await served.ask('POST', `/v1/tenants/${tenantId}/keys`, { body: keyBody() });
    await grpc.rotate(tenantId, body.key.id);
    await grpc.create(tenantId);
    const digests: string[] = [];
    let cursor = '';
    do {
      const request = ListSecretRecordsRequest.fromPartial({ cursor, limit: 2 });
      const page = await grpc.call(grpc.client.listSecretRecords.bind(grpc.client), request, TOKENS.project);
      digests.push(...page.records.map(({ json }) => JSON.parse(json).digest as string));
      cursor = page.nextCursor;
    } while (cursor !== '');
    expect(new Set(digests).size).toBe(digests.length);
    expect(digests).toContain(sha256(body.secret));
    const tenants = await grpc.call(
      grpc.client.listTenantRecords.bind(grpc.client),
      { cursor: '', limit: 0 },
      TOKENS.project,
    );
    const ids = tenants.records.map(({ json }) => JSON.parse(json).tenantId as string);
    expect(ids).toEqual([...new Set(ids)].toSorted());
    expect(ids).toContain(tenantId);
  });

  it('are INVALID_ARGUMENT with a page beyond 5,000 or a cursor that is none', async () => {
    const list = (cursor: string, limit: number) =>
      grpc.call(grpc.client.listSecretRecords.bind(grpc.client), { cursor, limit }, TOKENS.project);
    expect(await refusal(list('', 5001))).toEqual(['INVALID_ARGUMENT', 'INVALID_REQUEST', 'limit']);
    for (const cursor of ['\u0000', 'x', 'KEY_00112233445566778899AABBCCDDEE']) {
      expect(await refusal(list(cursor, 1))).toEqual(['INVALID_ARGUMENT', 'INVALID_REQUEST', 'cursor']);
    }
    const tenants = grpc.call(
      grpc.client.listTenantRecords.bind(grpc.client),
      { cursor: '\u0000', limit: 1 },
      TOKENS.project,
    );
    expect(await refusal(tenants)).toEqual(['INVALID_ARGUMENT', 'INVALID_REQUEST', 'cursor']);
  });
});
