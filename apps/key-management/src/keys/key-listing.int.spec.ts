import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { eventually } from '#libs/testing/eventually';
import { type Answer, keyBody, ServedForSuite } from '../served-key-management.contract.js';

jest.setTimeout(60_000);

describe('listing keys', () => {
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

  it('pages newest first, each key once, also those of the same millisecond', async () => {
    const ids = await Promise.all(Array.from({ length: 7 }, async () => (await create()).key.id as string));
    const listed: string[] = [];
    let cursor: string | null = null;
    const sizes: number[] = [];
    do {
      const { body }: Answer = await served.ask(
        'GET',
        `${keys}?limit=3${cursor === null ? '' : `&cursor=${cursor}`}`,
      );
      sizes.push(body.data.length);
      listed.push(...body.data.map(({ id }: { id: string }) => id));
      cursor = body.nextCursor;
    } while (cursor !== null);
    expect(sizes).toEqual([3, 3, 1]);
    expect(listed.toSorted()).toEqual(ids.toSorted());
    const { body } = await served.ask('GET', keys);
    const times = body.data.map(({ createdAt }: { createdAt: string }) => createdAt);
    expect(times).toEqual(times.toSorted().toReversed());
    expect(body.data.map(({ id }: { id: string }) => id)).toEqual(listed);
  });

  it('has no next page when the last one is full', async () => {
    await create();
    await create();
    expect((await served.ask('GET', `${keys}?limit=2`)).body.nextCursor).toBeNull();
  });

  it('lists one environment alone', async () => {
    await create();
    const { key } = await create({ environment: 'test' });
    expect((await served.ask('GET', `${keys}?environment=test`)).body.data).toEqual([key]);
  });

  it('lists keys by their status, of which expired is a matter of time', async () => {
    const { key: active } = await create();
    const { key: revoked } = await create();
    await served.ask('POST', `${keys}/${revoked.id}/revoke`);
    const { key: expiring } = await create({ expiresAt: new Date(Date.now() + 1000).toISOString() });
    const listed = async (status: string) =>
      (await served.ask('GET', `${keys}?status=${status}`)).body.data.map(({ id }: { id: string }) => id);
    expect(await listed('active')).toEqual([expiring.id, active.id]);
    await eventually(async () => expect(await listed('expired')).toEqual([expiring.id]));
    expect(await listed('active')).toEqual([active.id]);
    expect(await listed('active,revoked')).toEqual([revoked.id, active.id]);
    expect(await listed('revoked&status=expired')).toEqual([expiring.id, revoked.id]);
  });

  it.each([
    'status=',
    'status=gone',
    'status=active,active,active',
    'limit=0',
    'limit=101',
    'limit=abc',
    'limit=',
    'environment=prod',
    'cursor=nonsense',
    'limit=1&limit=2x',
    'page=2',
  ])('is 400 for %s', async (query) => {
    const { status, body } = await served.ask('GET', `${keys}?${query}`);
    expect([status, body.errors[0].field]).toEqual([400, query.split('=')[0]]);
  });

  it.each([
    [-1, 'key_00112233445566778899aabbccddee'],
    [1e300, 'key_00112233445566778899aabbccddee'],
    [8.64e15 + 1, 'key_00112233445566778899aabbccddee'],
    [1, 'key_\u0000'],
    [1, 1],
    [null],
    [],
  ])('is 400 for a made-up cursor: %j %j', async (...parts) => {
    const cursor = Buffer.from(JSON.stringify(parts)).toString('base64url');
    expect((await served.ask('GET', `${keys}?cursor=${cursor}`)).status).toBe(400);
  });

  it('is 404 for a tenant that is not there', async () => {
    expect((await served.ask('GET', '/v1/tenants/nobody/keys')).status).toBe(404);
  });
});
