import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { ServiceError } from '@grpc/grpc-js';
import type { Key, ListKeysResponse } from '#libs/contracts/gen/latchkey/v1/key_management_service';
import { GrpcClient, refusal } from '../grpc-client.contract.js';
import { keyBody, ServedForSuite } from '../served-key-management.contract.js';

jest.setTimeout(60_000);

const NOWHERE = 'key_00112233445566778899aabbccddee';

describe('listing keys after or before one of them', () => {
  const served = new ServedForSuite();
  const grpc = new GrpcClient(served);
  let tenantId: string;
  let keys: string;

  beforeEach(async () => {
    ({ tenantId, keys } = await served.tenant());
  });

  async function create(more: object = {}, of = tenantId): Promise<string> {
    return ((await grpc.create(of, more)).key as Key).id;
  }

  async function createNamed(...names: string[]): Promise<Record<string, string>> {
    const ids: Record<string, string> = {};
    for (const name of names) ids[name] = await create({ name });
    return ids;
  }

  const shown = ({ keys: listed, hasMore }: ListKeysResponse) => [
    listed.map(({ name }) => name).join(''),
    hasMore,
  ];

  it.each([
    ['newest', 'after', 'c', 'ba', false],
    ['newest', 'after', 'd', 'cb', true],
    ['newest', 'before', 'c', 'ed', false],
    ['newest', 'before', 'b', 'dc', true],
    ['oldest', 'after', 'c', 'de', false],
    ['oldest', 'after', 'b', 'cd', true],
    ['oldest', 'before', 'c', 'ab', false],
    ['oldest', 'before', 'd', 'bc', true],
    ['newest', 'after', 'a', '', false],
    ['newest', 'before', 'e', '', false],
    ['oldest', 'after', 'e', '', false],
    ['oldest', 'before', 'a', '', false],
  ])('%s first and %s %s shows %j next to it, and whether there is more beyond', async (...row) => {
    const [order, side, name, page, hasMore] = row;
    const ids = await createNamed('a', 'b', 'c', 'd', 'e');
    const listed = await grpc.list(tenantId, { order, limit: 2, [`${side}KeyId`]: ids[name] });
    expect(shown(listed)).toEqual([page, hasMore]);
  });

  it('goes on by cursor after a key, in either order, and not before one', async () => {
    const { a, e } = await createNamed('a', 'b', 'c', 'd', 'e');
    for (const [order, afterKeyId, page] of [
      ['newest', e, 'ba'],
      ['oldest', a, 'de'],
    ]) {
      const { nextCursor: cursor } = await grpc.list(tenantId, { order, limit: 2, afterKeyId });
      expect(shown(await grpc.list(tenantId, { order, limit: 2, cursor }))).toEqual([page, false]);
    }
    expect((await grpc.list(tenantId, { limit: 2, beforeKeyId: a })).nextCursor).toBe('');
  });

  it('is refused in one and the same way for each key that is not in the list', async () => {
    const other = (await served.tenant()).tenantId;
    const revoked = await create();
    await grpc.revoke(tenantId, revoked);
    const outside = [
      NOWHERE,
      'c_1',
      '\u0000',
      await create({}, other),
      await create({ environment: 'test' }),
      revoked,
    ];
    const list = { environment: 'live', statuses: ['active', 'expired'] };
    for (const [field, name] of [
      ['afterKeyId', 'after_key_id'],
      ['beforeKeyId', 'before_key_id'],
    ] as const) {
      const said = await Promise.all(
        outside.map((id) =>
          grpc.list(tenantId, { ...list, [field]: id }).then(
            () => 'nothing',
            ({ details, metadata }: ServiceError) =>
              `${details} ${metadata.get('latchkey-fields-bin').join()}`,
          ),
        ),
      );
      expect(new Set(said).size).toBe(1);
      expect(await refusal(grpc.list(tenantId, { ...list, [field]: outside[0] }))).toEqual([
        'INVALID_ARGUMENT',
        'INVALID_REQUEST',
        name,
      ]);
    }
  });

  it('takes a revoked key where the list shows revoked ones', async () => {
    const { b } = await createNamed('a', 'b');
    await grpc.revoke(tenantId, b as string);
    expect(shown(await grpc.list(tenantId, { afterKeyId: b }))).toEqual(['a', false]);
  });

  it('is refused for a tenant that is none', async () => {
    for (const nobody of ['nobody', '*', '', '\u0000']) {
      expect(await refusal(grpc.list(nobody, { afterKeyId: await create() }))).toEqual([
        'INVALID_ARGUMENT',
        'INVALID_REQUEST',
        'after_key_id',
      ]);
    }
  });

  it.each([
    [{ order: 'name' }, 'order'],
    [{ afterKeyId: NOWHERE, beforeKeyId: NOWHERE }, 'after_key_id'],
    [{ cursor: 'a', beforeKeyId: NOWHERE }, 'cursor'],
    [{ cursor: 'a', afterKeyId: NOWHERE }, 'cursor'],
  ])('is refused with %j', async (more, field) => {
    expect(await refusal(grpc.list(tenantId, more))).toEqual(['INVALID_ARGUMENT', 'INVALID_REQUEST', field]);
  });

  it('follows the order of commits, whatever the clocks of those who make keys say', async () => {
    const first = await create();
    const now = Date.now;
    const clock = jest.spyOn(Date, 'now').mockImplementation(() => now() - 5000);
    const { body } = await served.ask('POST', keys, { body: keyBody() }).finally(() => clock.mockRestore());
    const { keys: listed } = await grpc.list(tenantId, { order: 'oldest', afterKeyId: first });
    expect(listed.map(({ id }) => id)).toEqual([body.key.id]);
    expect(listed[0]?.createdAt?.getTime()).toBeLessThan(now() - 4000);
  });
});
