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
    expect(body.data.map(({ id }: { id: string }) => id)).toEqual(listed);
    const { key: newest } = await create();
    expect((await served.ask('GET', `${keys}?limit=1`)).body.data).toEqual([newest]);
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

  it('goes on after a key that was revoked meanwhile', async () => {
    for (let count = 0; count < 3; count += 1) await create();
    const { body: first } = await served.ask('GET', `${keys}?status=active&limit=2`);
    await served.ask('POST', `${keys}/${first.data[1].id}/revoke`);
    const next = await served.ask('GET', `${keys}?status=active&cursor=${first.nextCursor}`);
    expect(next.body.data).toHaveLength(1);
  });

  it('is 400 for a cursor of another list: its statuses, its environment, its tenant', async () => {
    await create();
    await create();
    const { nextCursor: cursor } = (await served.ask('GET', `${keys}?limit=1`)).body;
    const { keys: others } = await served.tenant();
    for (const list of [`${keys}?status=active&`, `${keys}?environment=live&`, `${others}?`]) {
      const { status, body } = await served.ask('GET', `${list}cursor=${cursor}`);
      expect([status, body.errors[0].field]).toEqual([400, 'cursor']);
    }
  });

  it('is 404 for a tenant that is not there', async () => {
    expect((await served.ask('GET', '/v1/tenants/nobody/keys')).status).toBe(404);
  });
});
