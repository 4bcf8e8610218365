import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import pg from 'pg';
import {
  GetKeyRequest,
  type GetKeyResponse,
  type Key,
  KeyManagementServiceService,
} from '#libs/contracts/gen/latchkey/v1/key_management_service';
import { bearer, GrpcClient, refusal } from './grpc-client.contract.js';
import { ServedForSuite, TOKENS } from './served-key-management.contract.js';

jest.setTimeout(60_000);

describe('keys over gRPC', () => {
  const served = new ServedForSuite();
  const grpc = new GrpcClient(served);
  let tenantId: string;

  beforeEach(async () => {
    ({ tenantId } = await served.tenant());
  });

  const get = (keyId: string, of = tenantId): Promise<GetKeyResponse> =>
    grpc.call(grpc.client.getKey.bind(grpc.client), GetKeyRequest.fromPartial({ tenantId: of, keyId }));

  it('are created, read, listed, rotated and revoked as over HTTP', async () => {
    const expiresAt = new Date('2031-01-01T00:00:00Z');
    const { key, secret } = await grpc.create(tenantId, { expiresAt, metadataJson: '{"team":"x"}' });
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
    expect(await grpc.list(tenantId)).toEqual({ keys: [key], nextCursor: '', hasMore: false });
    const rotated = await grpc.rotate(tenantId, id, { graceSeconds: 60 });
    expect(rotated.secret).toMatch(/^lk_live_/);
    expect(rotated.key).toMatchObject({ generation: 2, previousSecretValidUntil: expect.any(Date) });
    const revoked = await grpc.revoke(tenantId, id, { reason: 'leaked' });
    expect(revoked.key).toMatchObject({ status: 'revoked', revokedAt: expect.any(Date) });
    expect(await grpc.revoke(tenantId, id)).toEqual(revoked);
    const overHttp = await served.ask('GET', `/v1/tenants/${tenantId}/keys/${id}`);
    expect(overHttp.body.key).toMatchObject({ status: 'revoked', secretGeneration: 2 });
  });

  it('rotate with a grace period of a day unless told otherwise, and of none when told 0', async () => {
    const first = await grpc.create(tenantId);
    const { key } = await grpc.rotate(tenantId, (first.key as Key).id);
    expect(key?.previousSecretValidUntil).toBeInstanceOf(Date);
    const second = await grpc.create(tenantId);
    expect(
      (await grpc.rotate(tenantId, (second.key as Key).id, { graceSeconds: 0 })).key
        ?.previousSecretValidUntil,
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
    const { key } = await grpc.create(tenantId, { actor });
    const { id } = key as Key;
    await grpc.revoke(tenantId, id);
    const { body } = await served.ask('GET', `/v1/tenants/${tenantId}/keys/${id}/events`);
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
    const first = await grpc.create(tenantId, { idempotencyKey: 'k', actor });
    expect(await grpc.create(tenantId, { idempotencyKey: 'k', actor })).toEqual({
      key: first.key,
      secret: '',
    });
    expect(
      (await grpc.create(tenantId, { idempotencyKey: 'k', actor: { type: 'key', id: 'b' } })).secret,
    ).not.toBe('');
    expect(await refusal(grpc.create(tenantId, { idempotencyKey: 'k', actor, name: 'other' }))).toEqual([
      'INVALID_ARGUMENT',
      'IDEMPOTENCY_KEY_REUSED',
    ]);
  });

  describe('by a managing key', () => {
    const ceiling = { scopes: ['read', 'keys:manage'], environment: 'live' };
    const beyond = ['PERMISSION_DENIED', 'EXCEEDS_CEILING'];
    let manager: { type: string; id: string };

    beforeEach(async () => {
      const { key } = await grpc.create(tenantId, { scopes: ceiling.scopes });
      manager = { type: 'key', id: (key as Key).id };
    });

    const createAs = (more: object = {}) => grpc.create(tenantId, { ceiling, actor: manager, ...more });

    it('are made as long as it is in force, however long ago it was verified', async () => {
      const child = ((await createAs()).key as Key).id;
      await grpc.revoke(tenantId, manager.id);
      const asManager = { ceiling, actor: manager };
      expect(await refusal(createAs())).toEqual(beyond);
      expect(await refusal(grpc.rotate(tenantId, child, asManager))).toEqual(beyond);
      expect(await refusal(grpc.revoke(tenantId, child, asManager))).toEqual(beyond);
      manager = { type: 'key', id: 'key_never_was' };
      expect(await refusal(createAs())).toEqual(beyond);
    });

    it('may be its own: it rotates and revokes itself', async () => {
      const asManager = { ceiling, actor: manager };
      expect((await grpc.rotate(tenantId, manager.id, asManager)).secret).not.toBe('');
      expect((await grpc.revoke(tenantId, manager.id, asManager)).key?.status).toBe('revoked');
    });

    it('have no more than it has by now', async () => {
      const path = `/v1/tenants/${tenantId}/keys/${manager.id}`;
      await served.ask('PATCH', path, { body: { scopes: ['keys:manage'] } });
      expect(await refusal(createAs())).toEqual(beyond);
      expect((await createAs({ scopes: ['keys:manage'] })).secret).not.toBe('');
    });

    it('are never made after it was revoked, both at the same time', async () => {
      for (let n = 0; n < 20; n += 1) {
        const { key } = await grpc.create(tenantId, { scopes: ceiling.scopes });
        manager = { type: 'key', id: (key as Key).id };
        const making = Array.from({ length: 4 }, () => createAs().catch(() => undefined));
        await Promise.all([...making, grpc.revoke(tenantId, manager.id)]);
      }
      const admin = new pg.Client({ connectionString: served.database.adminUrl });
      await admin.connect();
      const { rows } = await admin.query(
        `select count(*)::int as made, count(*) filter (where made.position > revoked.position)::int as late
         from keys.events made
         join keys.events revoked
           on revoked.stream_id = 'key-' || (made.metadata -> 'actor' ->> 'id') and revoked.type = 'KeyRevoked'
         where made.tenant_id = $1 and made.type = 'KeyCreated'`,
        [tenantId],
      );
      await admin.end();
      expect(rows[0].made).toBeGreaterThan(0);
      expect(rows[0].late).toBe(0);
    });

    it('are the same for one idempotency key, also when its rights changed meanwhile', async () => {
      const first = await createAs({ idempotencyKey: 'k' });
      const wider = { scopes: ['read', 'write', 'keys:manage'], environment: 'live' };
      const again = await createAs({ idempotencyKey: 'k', ceiling: wider });
      expect([again.key?.id, again.secret]).toEqual([first.key?.id, '']);
    });
  });

  it('are no wider than the ceiling', async () => {
    const ceiling = { scopes: ['read'], environment: 'live', expiresAt: new Date('2031-01-01T00:00:00Z') };
    const within = { ceiling, expiresAt: ceiling.expiresAt };
    const { key } = await grpc.create(tenantId, within);
    await grpc.rotate(tenantId, (key as Key).id, { ceiling });
    await grpc.revoke(tenantId, (key as Key).id, { ceiling });
    const beyond = ['PERMISSION_DENIED', 'EXCEEDS_CEILING'];
    expect(await refusal(grpc.create(tenantId, { ceiling }))).toEqual(beyond);
    expect(await refusal(grpc.create(tenantId, { ...within, scopes: ['read', 'write'] }))).toEqual(beyond);
    expect(await refusal(grpc.create(tenantId, { ...within, environment: 'test' }))).toEqual(beyond);
    const wide = ((await grpc.create(tenantId, { scopes: ['write'] })).key as Key).id;
    expect(await refusal(grpc.rotate(tenantId, wide, { ceiling }))).toEqual(beyond);
    expect(await refusal(grpc.revoke(tenantId, wide, { ceiling }))).toEqual(beyond);
    const test = ((await grpc.create(tenantId, { environment: 'test' })).key as Key).id;
    expect(await refusal(grpc.revoke(tenantId, test, { ceiling }))).toEqual(['NOT_FOUND', 'KEY_NOT_FOUND']);
  });

  it('of another tenant are not found', async () => {
    const { id } = (await grpc.create(tenantId)).key as Key;
    const other = (await served.tenant()).tenantId;
    for (const elsewhere of [other, 'nobody', '*', '', '\u0000']) {
      expect(await refusal(get(id, elsewhere))).toEqual(['NOT_FOUND', 'KEY_NOT_FOUND']);
      const [code] = await refusal(grpc.revoke(tenantId, id, { tenantId: elsewhere }));
      expect(code).toBe('NOT_FOUND');
      expect((await refusal(grpc.rotate(tenantId, id, { tenantId: elsewhere })))[0]).toBe('NOT_FOUND');
      expect(await grpc.list(elsewhere)).toEqual({ keys: [], nextCursor: '', hasMore: false });
    }
    expect((await get(id)).key?.status).toBe('active');
  });

  it.each<[string, object]>([
    ['name', { name: '' }],
    ['name', { name: 'a\u0000' }],
    ['environment', { environment: 'prod' }],
    ['scopes', { scopes: ['Read'] }],
    ['scopes', { scopes: [], defaultScopes: true }],
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
    expect(await refusal(grpc.create(tenantId, more))).toEqual([
      'INVALID_ARGUMENT',
      'INVALID_REQUEST',
      field,
    ]);
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
        const { path } = KeyManagementServiceService.createKey;
        grpc.client.makeUnaryRequest(
          path,
          (bytes: Buffer) => bytes,
          (bytes) => bytes,
          message,
          bearer(TOKENS.manage),
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
    for (const name of ['a', 'b', 'c']) await grpc.create(tenantId, { name });
    const list = (more: object) => grpc.list(tenantId, more);
    const first = await list({ limit: 2 });
    const rest = await list({ limit: 2, cursor: first.nextCursor });
    expect([...first.keys, ...rest.keys].map(({ name }) => name)).toEqual(['c', 'b', 'a']);
    expect(rest.nextCursor).toBe('');
    expect(await refusal(list({ limit: 101 }))).toEqual(['INVALID_ARGUMENT', 'INVALID_REQUEST', 'limit']);
    expect((await refusal(list({ statuses: ['active', 'active', 'active'] })))[1]).toBe('INVALID_REQUEST');
    expect(await refusal(list({ cursor: '\u0000' }))).toEqual([
      'INVALID_ARGUMENT',
      'INVALID_REQUEST',
      'cursor',
    ]);
  });
});
