import { createHash } from 'node:crypto';
import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type Answer, keyBody, ServedForSuite } from '../served-key-management.contract.js';

jest.setTimeout(60_000);

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

describe('importing a key', () => {
  const served = new ServedForSuite();
  let tenantId: string;
  let keys: string;

  beforeEach(async () => {
    ({ tenantId, keys } = await served.tenant());
  });

  async function create(more: object = {}): Promise<Answer['body']> {
    const { status, body } = await served.ask('POST', keys, { body: keyBody(more) });
    expect(status).toBe(201);
    return body;
  }

  const digest = (text: string) => ({ digest: sha256(text), attestedEntropyBits: 128 });

  it('takes a digest with what it is recognised by', async () => {
    const body = keyBody({ ...digest(tenantId), hintStart: 'old_', hintEnd: '9f3c' });
    const { status, body: answer } = await served.ask('POST', `${keys}/import`, { body });
    expect(status).toBe(201);
    expect(answer).toEqual({
      key: expect.objectContaining({ hint: { start: 'old_', end: '9f3c' }, status: 'active' }),
      revision: answer.key.revision,
    });
  });

  it.each([111, 0, 128.5, '128', null])('is 400 where %j bits of randomness are attested', async (bits) => {
    const body = keyBody({ ...digest(tenantId), attestedEntropyBits: bits });
    const answer = await served.ask('POST', `${keys}/import`, { body });
    expect([answer.status, answer.body.errors[0].field]).toEqual([400, 'attestedEntropyBits']);
  });

  it('refuses a digest that any key has or ever had, of whatever tenant and generation', async () => {
    const { key, secret } = await create();
    const { body: rotated } = await served.ask('POST', `${keys}/${key.id}/rotate`, {
      body: { graceSeconds: 0 },
    });
    await served.ask('POST', `${keys}/${key.id}/revoke`);
    await served.ask('POST', `${keys}/import`, { body: keyBody(digest(`imported ${tenantId}`)) });
    const other = `/v1/tenants/${(await served.tenant()).tenantId}/keys/import`;
    for (const taken of [secret, rotated.secret, `imported ${tenantId}`]) {
      for (const path of [other, `${keys}/import`]) {
        const { status, body } = await served.ask('POST', path, { body: keyBody(digest(taken)) });
        expect([status, body.code]).toEqual([409, 'DIGEST_TAKEN']);
      }
    }
  });

  it('lets one of many at once have a digest, and counts only that one', async () => {
    const others = await Promise.all(
      Array.from({ length: 10 }, () => served.tenant(1).then((tenant) => tenant.tenantId)),
    );
    const body = keyBody(digest(`wanted ${tenantId}`));
    const answers = await Promise.all(
      others.map((id) => served.ask('POST', `/v1/tenants/${id}/keys/import`, { body })),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(answers.filter(({ body: { code } }) => code === 'DIGEST_TAKEN')).toHaveLength(9);
    const creates = await Promise.all(
      others.map((id) => served.ask('POST', `/v1/tenants/${id}/keys`, { body: keyBody() })),
    );
    expect(creates.filter(({ status }) => status === 201)).toHaveLength(9);
  });
});
