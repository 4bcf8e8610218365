import { createHash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import type { SealedRecord } from '#libs/contracts';
import {
  CreateKeyRequest,
  type CreateKeyResponse,
  GetKeyRequest,
  type Key,
  KeyManagementServiceClient,
  KeyManagementServiceService,
  ListKeysRequest,
  ListSecretRecordsRequest,
  RevokeKeyRequest,
  RotateKeyRequest,
} from '#libs/contracts/gen/latchkey/v1/key_management_service';
import { RecordSeal, type SecretRecord } from '#libs/key-view';
import type { UnaryMethod } from '#libs/service-kit/grpc-caller';
import type { RunningService } from '#libs/service-kit/serve';
import {
  ask,
  createKeysDatabase,
  keyBody,
  type KeysDatabase,
  registerTenant,
  serveKeyManagement,
  TOKENS,
} from './served-key-management.contract.js';

jest.setTimeout(60_000);

const NO_KEY = 'key_00112233445566778899aabbccddee';
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const seal = new RecordSeal([{ id: '1', key: Buffer.alloc(32, 7) }]);

/** What no status may carry. */
const INTERNALS =
  /node_modules|\bat \S+ \(|\.[jt]s:\d|QueryFailed|TypeError|RangeError|select |insert |relation |syntax|jsonb/i;

describe('KeyManagementService', () => {
  let database: KeysDatabase;
  let service: RunningService;
  let client: KeyManagementServiceClient;
  let tenantId: string;

  beforeAll(async () => {
    database = await createKeysDatabase();
    service = await serveKeyManagement(database);
    client = new KeyManagementServiceClient(service.grpcAddress as string, credentials.createInsecure());
  });

  afterAll(async () => {
    client.close();
    await service.close();
    await database.drop();
  });

  beforeEach(async () => {
    tenantId = await registerTenant(service);
  });

  function call<Request, Response>(
    method: UnaryMethod<Request, Response>,
    request: Request,
    token: string | null = TOKENS.manage,
  ): Promise<Response> {
    const metadata = new Metadata();
    if (token !== null) metadata.set('authorization', `Bearer ${token}`);
    return new Promise((resolve, reject) => {
      method.call(client, request, metadata, { deadline: Date.now() + 10_000 }, (error, response) => {
        if (error === null) return resolve(response);
        if (INTERNALS.test(error.details)) return reject(new Error(`it says ${error.details}`));
        return reject(error);
      });
    });
  }

  /** The status, and the code and first field of the rejection. */
  async function refusal(answer: Promise<unknown>): Promise<unknown[]> {
    const error = await answer.then(
      () => undefined,
      (reason: ServiceError) => reason,
    );
    if (error?.metadata === undefined) return [error];
    const fields = error.metadata.get('latchkey-fields-bin')[0];
    const code = error.metadata.get('latchkey-rejection')[0];
    const field = fields === undefined ? [] : [JSON.parse(fields.toString())[0].field];
    return [status[error.code], code, ...field];
  }

  const create = (more: object = {}): Promise<CreateKeyResponse> =>
    call(
      client.createKey,
      CreateKeyRequest.fromPartial({
        tenantId,
        name: 'a key',
        environment: 'live',
        scopes: ['read'],
        ...more,
      }),
    );
  const rotate = (keyId: string, more: object = {}) =>
    call(client.rotateKey, RotateKeyRequest.fromPartial({ tenantId, keyId, ...more }));
  const revoke = (keyId: string, more: object = {}) =>
    call(client.revokeKey, RevokeKeyRequest.fromPartial({ tenantId, keyId, ...more }));
  const get = (keyId: string, of = tenantId) =>
    call(client.getKey, GetKeyRequest.fromPartial({ tenantId: of, keyId }));
  const opened = (record: SealedRecord | undefined, digest: string): SecretRecord | undefined =>
    record && seal.open({ kind: 'secret', id: digest }, record);

  describe('identities', () => {
    const ROLES: Record<keyof typeof KeyManagementServiceService, keyof typeof TOKENS> = {
      createKey: 'manage',
      getKey: 'manage',
      listKeys: 'manage',
      rotateKey: 'manage',
      revokeKey: 'manage',
      findSecretRecord: 'project',
      findTenantRecord: 'project',
      listSecretRecords: 'project',
      listTenantRecords: 'project',
    };

    /** An empty message is valid protobuf for every method. */
    function callEmpty(name: keyof typeof ROLES, headers: Record<string, string>): Promise<number> {
      const { path } = KeyManagementServiceService[name];
      const metadata = new Metadata();
      for (const [header, value] of Object.entries(headers)) metadata.set(header, value);
      return new Promise((resolve) => {
        client.makeUnaryRequest(
          path,
          () => Buffer.alloc(0),
          (bytes) => bytes,
          null,
          metadata,
          (error) => resolve(error?.code ?? status.OK),
        );
      });
    }

    it('covers every method there is', () => {
      expect(Object.keys(ROLES).toSorted()).toEqual(Object.keys(KeyManagementServiceService).toSorted());
    });

    describe.each(Object.entries(ROLES) as [keyof typeof ROLES, keyof typeof TOKENS][])(
      '%s',
      (name, role) => {
        it.each([
          ['no token', {}],
          ['an empty token', { authorization: 'Bearer ' }],
          ['an unknown token', { authorization: 'Bearer unknown-token-of-nobody' }],
          ['a token without Bearer', { authorization: TOKENS[role] }],
          ['the beginning of the right token', { authorization: `Bearer ${TOKENS[role].slice(0, -1)}` }],
        ])('is UNAUTHENTICATED with %s', async (_, headers) => {
          expect(status[await callEmpty(name, headers as Record<string, string>)]).toBe('UNAUTHENTICATED');
        });

        it.each(Object.keys(TOKENS).filter((other) => other !== role))(
          'is PERMISSION_DENIED to the role %s',
          async (other) => {
            const headers = { authorization: `Bearer ${TOKENS[other as keyof typeof TOKENS]}` };
            expect(status[await callEmpty(name, headers)]).toBe('PERMISSION_DENIED');
          },
        );

        it(`looks at the request of the role ${role}`, async () => {
          const code = await callEmpty(name, { authorization: `Bearer ${TOKENS[role]}` });
          expect(['OK', 'INVALID_ARGUMENT', 'NOT_FOUND']).toContain(status[code]);
        });
      },
    );
  });

  describe('keys', () => {
    it('are created, read, listed, rotated and revoked as over HTTP', async () => {
      const expiresAt = new Date('2031-01-01T00:00:00Z');
      const { key, secret } = await create({ expiresAt, metadataJson: '{"team":"x"}' });
      expect(secret).toMatch(/^lk_live_/);
      expect(key).toMatchObject({
        tenantId,
        status: 'active',
        generation: 1,
        expiresAt,
        metadataJson: '{"team":"x"}',
      });
      const { id } = key as Key;
      expect((await get(id)).key).toEqual(key);
      const listed = await call(client.listKeys, ListKeysRequest.fromPartial({ tenantId }));
      expect(listed).toEqual({ keys: [key], nextCursor: '' });
      const rotated = await rotate(id, { graceSeconds: 60 });
      expect(rotated.secret).toMatch(/^lk_live_/);
      expect(rotated.key).toMatchObject({ generation: 2, previousSecretValidUntil: expect.any(Date) });
      const revoked = await revoke(id, { reason: 'leaked' });
      expect(revoked.key).toMatchObject({ status: 'revoked', revokedAt: expect.any(Date) });
      expect(await revoke(id)).toEqual(revoked);
      const overHttp = await ask(service, 'GET', `/v1/tenants/${tenantId}/keys/${id}`);
      expect(overHttp.body.key).toMatchObject({ status: 'revoked', secretGeneration: 2 });
    });

    it('rotate with a grace period of a day unless told otherwise, and of none when told 0', async () => {
      const first = await create();
      const { key } = await rotate((first.key as Key).id);
      expect(key?.previousSecretValidUntil).toBeInstanceOf(Date);
      const second = await create();
      expect(
        (await rotate((second.key as Key).id, { graceSeconds: 0 })).key?.previousSecretValidUntil,
      ).toBeUndefined();
    });

    it('keep who really did it, from where; a service that names nobody acts for itself', async () => {
      const actor = {
        type: 'key',
        id: 'key_manager',
        sourceAddress: '203.0.113.9',
        requestId: 'r',
        traceId: 't',
      };
      const { key } = await create({ actor });
      const { id } = key as Key;
      await revoke(id);
      const { body } = await ask(service, 'GET', `/v1/tenants/${tenantId}/keys/${id}/events`);
      expect(body.data).toMatchObject([
        {
          actor: { type: 'key', id: 'key_manager' },
          sourceAddress: '203.0.113.9',
          requestId: 'r',
          traceId: 't',
        },
        { actor: { type: 'service', id: 'manager' }, sourceAddress: null, requestId: null, traceId: null },
      ]);
    });

    it('are created once for one idempotency key of one actor', async () => {
      const actor = { type: 'key', id: 'a' };
      const first = await create({ idempotencyKey: 'k', actor });
      expect(await create({ idempotencyKey: 'k', actor })).toEqual({ key: first.key, secret: '' });
      expect((await create({ idempotencyKey: 'k', actor: { type: 'key', id: 'b' } })).secret).not.toBe('');
      expect(await refusal(create({ idempotencyKey: 'k', actor, name: 'other' }))).toEqual([
        'INVALID_ARGUMENT',
        'IDEMPOTENCY_KEY_REUSED',
      ]);
    });

    it('are no wider than the ceiling', async () => {
      const ceiling = { scopes: ['read'], environment: 'live', expiresAt: new Date('2031-01-01T00:00:00Z') };
      const within = { ceiling, expiresAt: ceiling.expiresAt };
      const { key } = await create(within);
      await rotate((key as Key).id, { ceiling });
      await revoke((key as Key).id, { ceiling });
      const beyond = ['PERMISSION_DENIED', 'EXCEEDS_CEILING'];
      expect(await refusal(create({ ceiling }))).toEqual(beyond);
      expect(await refusal(create({ ...within, scopes: ['read', 'write'] }))).toEqual(beyond);
      expect(await refusal(create({ ...within, environment: 'test' }))).toEqual(beyond);
      const wide = ((await create({ scopes: ['write'] })).key as Key).id;
      expect(await refusal(rotate(wide, { ceiling }))).toEqual(beyond);
      expect(await refusal(revoke(wide, { ceiling }))).toEqual(beyond);
      const test = ((await create({ environment: 'test' })).key as Key).id;
      expect(await refusal(revoke(test, { ceiling }))).toEqual(['NOT_FOUND', 'KEY_NOT_FOUND']);
    });

    it('of another tenant are not found', async () => {
      const { id } = (await create()).key as Key;
      const other = await registerTenant(service);
      for (const elsewhere of [other, 'nobody', '*', '', '\u0000']) {
        expect(await refusal(get(id, elsewhere))).toEqual(['NOT_FOUND', 'KEY_NOT_FOUND']);
        const [code] = await refusal(revoke(id, { tenantId: elsewhere }));
        expect(code).toBe('NOT_FOUND');
        expect((await refusal(rotate(id, { tenantId: elsewhere })))[0]).toBe('NOT_FOUND');
        expect(await call(client.listKeys, ListKeysRequest.fromPartial({ tenantId: elsewhere }))).toEqual({
          keys: [],
          nextCursor: '',
        });
      }
      expect((await get(id)).key?.status).toBe('active');
    });

    it.each<[string, object]>([
      ['name', { name: '' }],
      ['name', { name: 'a\u0000' }],
      ['environment', { environment: 'prod' }],
      ['scopes', { scopes: ['Read'] }],
      ['expiresAt', { expiresAt: new Date('2020-01-01T00:00:00Z') }],
      ['expiresAt', { expiresAt: new Date(8.64e15) }],
      ['metadata', { metadataJson: '{' }],
      ['metadata', { metadataJson: '[]' }],
      ['metadata', { metadataJson: `{"a":"${'x'.repeat(4096)}"}` }],
      ['metadata', { metadataJson: `{"a":${'['.repeat(50_000)}${']'.repeat(50_000)}}` }],
      ['metadata', { metadataJson: '{"constructor":1}' }],
      ['metadata', { metadataJson: '{"a":"\\u0000"}' }],
      ['ceiling.environment', { ceiling: { scopes: [], environment: '' } }],
      ['idempotency_key', { idempotencyKey: 'a b' }],
      ['actor.id', { actor: { type: 'key', id: 'x'.repeat(256) } }],
      ['actor.requestId', { actor: { type: 'key', id: 'a', requestId: '\u0000' } }],
    ])('are INVALID_ARGUMENT with a wrong %s', async (field, more) => {
      expect(await refusal(create(more))).toEqual(['INVALID_ARGUMENT', 'INVALID_REQUEST', field]);
    });

    it('are INVALID_ARGUMENT with times that are none', async () => {
      // Seconds of a Timestamp: 9,000,000,000,000,000, beyond what a date can be.
      const time = Buffer.from('0880808ab2ccd6fe0f', 'hex');
      const field = (number: number, bytes: Buffer) =>
        Buffer.concat([Buffer.from([(number << 3) | 2, bytes.length]), bytes]);
      const text = (number: number, value: string) => field(number, Buffer.from(value));
      const asked = [text(1, tenantId), text(2, 'a key'), text(3, 'live')];
      const send = (message: Buffer) =>
        new Promise((_, reject) => {
          const metadata = new Metadata();
          metadata.set('authorization', `Bearer ${TOKENS.manage}`);
          const { path } = KeyManagementServiceService.createKey;
          client.makeUnaryRequest(
            path,
            (bytes: Buffer) => bytes,
            (bytes) => bytes,
            message,
            metadata,
            reject,
          );
        });
      expect(await refusal(send(Buffer.concat([...asked, field(5, time)])))).toEqual([
        'INVALID_ARGUMENT',
        'INVALID_REQUEST',
        'expiresAt',
      ]);
      const ceiling = Buffer.concat([text(2, 'live'), field(3, time)]);
      expect(await refusal(send(Buffer.concat([...asked, field(8, ceiling)])))).toEqual([
        'INVALID_ARGUMENT',
        'INVALID_REQUEST',
        'ceiling.expiresAt',
      ]);
    });

    it('page with limits and cursors as over HTTP', async () => {
      for (const name of ['a', 'b', 'c']) await create({ name });
      const list = (more: object) =>
        call(client.listKeys, ListKeysRequest.fromPartial({ tenantId, ...more }));
      const first = await list({ limit: 2 });
      const rest = await list({ limit: 2, cursor: first.nextCursor });
      expect([...first.keys, ...rest.keys].map(({ name }) => name)).toEqual(['c', 'b', 'a']);
      expect(rest.nextCursor).toBe('');
      expect(await refusal(list({ limit: 101 }))).toEqual(['INVALID_ARGUMENT', 'INVALID_REQUEST', 'limit']);
      expect(await refusal(list({ cursor: '\u0000' }))).toEqual([
        'INVALID_ARGUMENT',
        'INVALID_REQUEST',
        'cursor',
      ]);
    });
  });

  describe('records', () => {
    const find = (digest: string) => call(client.findSecretRecord, { digest }, TOKENS.project);
    const findTenant = (of: string) => call(client.findTenantRecord, { tenantId: of }, TOKENS.project);

    it('of a secret are found by its digest as soon as it is made, with its tenant, sealed', async () => {
      const { key, secret } = await create();
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
        version: 1,
      });
      expect(seal.open({ kind: 'tenant', id: tenantId }, found.tenant as SealedRecord)).toEqual({
        tenantId,
        state: 'active',
        version: 1,
      });
    });

    it('of retired secrets and revoked keys are found for ever, as such', async () => {
      const { key, secret } = await create();
      const { id } = key as Key;
      const rotated = await rotate(id, { graceSeconds: 0 });
      await revoke(id);
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
      await ask(service, 'POST', `/v1/tenants/${tenantId}/suspend`);
      const { tenant } = await findTenant(tenantId);
      expect(seal.open({ kind: 'tenant', id: tenantId }, tenant as SealedRecord)).toMatchObject({
        state: 'suspended',
        version: 2,
      });
    });

    it('are all listed in pages, each secret and each tenant once', async () => {
      const { body } = await ask(service, 'POST', `/v1/tenants/${tenantId}/keys`, { body: keyBody() });
      await rotate(body.key.id);
      await create();
      const digests: string[] = [];
      let cursor = '';
      do {
        const request = ListSecretRecordsRequest.fromPartial({ cursor, limit: 2 });
        const page = await call(client.listSecretRecords, request, TOKENS.project);
        digests.push(...page.records.map(({ json }) => JSON.parse(json).digest as string));
        cursor = page.nextCursor;
      } while (cursor !== '');
      expect(new Set(digests).size).toBe(digests.length);
      expect(digests).toContain(sha256(body.secret));
      const tenants = await call(client.listTenantRecords, { cursor: '', limit: 0 }, TOKENS.project);
      const ids = tenants.records.map(({ json }) => JSON.parse(json).tenantId as string);
      expect(ids).toEqual([...new Set(ids)].toSorted());
      expect(ids).toContain(tenantId);
    });

    it('are INVALID_ARGUMENT with a page beyond 5,000 or a cursor that is none', async () => {
      const list = (cursor: string, limit: number) =>
        call(client.listSecretRecords, { cursor, limit }, TOKENS.project);
      expect(await refusal(list('', 5001))).toEqual(['INVALID_ARGUMENT', 'INVALID_REQUEST', 'limit']);
      for (const cursor of ['\u0000', 'x', NO_KEY.toUpperCase()]) {
        expect(await refusal(list(cursor, 1))).toEqual(['INVALID_ARGUMENT', 'INVALID_REQUEST', 'cursor']);
      }
      const tenants = call(client.listTenantRecords, { cursor: '\u0000', limit: 1 }, TOKENS.project);
      expect(await refusal(tenants)).toEqual(['INVALID_ARGUMENT', 'INVALID_REQUEST', 'cursor']);
    });
  });
});
