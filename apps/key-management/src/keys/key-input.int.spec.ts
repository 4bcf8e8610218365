import { beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type Answer, keyBody, ServedForSuite } from '../served-key-management.contract.js';

jest.setTimeout(60_000);

/** `ask` itself throws on an answer that shows internals or is no problem+json. */
describe('bad input', () => {
  const served = new ServedForSuite();
  let keys: string;
  let keyId: string;

  beforeAll(async () => {
    ({ keys } = await served.tenant());
    keyId = (await served.ask('POST', keys, { body: keyBody() })).body.key.id;
  });

  function expectNamed(answer: Answer, field: string): void {
    expect([answer.status, answer.body.code]).toEqual([400, 'INVALID_REQUEST']);
    expect(answer.body.errors.map((error: { field: string }) => error.field)).toContain(field);
  }

  const surrogate = '\ud800';

  it.each<[string, object]>([
    ['name', { name: undefined }],
    ['name', { name: null }],
    ['name', { name: '' }],
    ['name', { name: 'x'.repeat(101) }],
    ['name', { name: 5 }],
    ['name', { name: ['a'] }],
    ['name', { name: { toUpperCase: 1 } }],
    ['name', { name: 'a\u0000b' }],
    ['name', { name: `a${surrogate}` }],
    ['environment', { environment: 'prod' }],
    ['environment', { environment: null }],
    ['environment', { environment: ['live'] }],
    ['scopes', { scopes: undefined }],
    ['scopes', { scopes: 'read' }],
    ['scopes', { scopes: ['Read'] }],
    ['scopes', { scopes: ['read', 'read'] }],
    ['scopes', { scopes: [['read']] }],
    ['scopes', { scopes: [1] }],
    ['scopes', { scopes: [null] }],
    ['scopes', { scopes: ['a\u0000'] }],
    ['scopes', { scopes: ['a'.repeat(65)] }],
    ['scopes', { scopes: Array.from({ length: 65 }, (_, i) => `s${i}`) }],
    ['scopes', { scopes: { length: 1, 0: 'read' } }],
    ['expiresAt', { expiresAt: 'soon' }],
    ['expiresAt', { expiresAt: 1_900_000_000_000 }],
    ['expiresAt', { expiresAt: '2030-01-01' }],
    ['expiresAt', { expiresAt: '2030-01-01T00:00:00' }],
    ['expiresAt', { expiresAt: '2030-02-30T00:00:00Z' }],
    ['expiresAt', { expiresAt: '2030-01-01T24:00:00Z' }],
    ['expiresAt', { expiresAt: '2030-W01-1T00:00:00Z' }],
    ['expiresAt', { expiresAt: '+275760-09-13T00:00:00Z' }],
    ['expiresAt', { expiresAt: '9999-12-31T23:59:59-01:00' }],
    ['expiresAt', { expiresAt: '2020-01-01T00:00:00Z' }],
    ['expiresAt', { expiresAt: ['2030-01-01T00:00:00Z'] }],
    ['metadata', { metadata: null }],
    ['metadata', { metadata: [] }],
    ['metadata', { metadata: 'text' }],
    ['metadata', { metadata: { text: 'x'.repeat(4097) } }],
    ['metadata', { metadata: { text: 'é'.repeat(2100) } }],
    ['metadata', { metadata: { deep: [{ text: 'a\u0000b' }] } }],
    ['metadata', { metadata: { 'nul\u0000': 1 } }],
    ['metadata', { metadata: { text: surrogate } }],
    ['ceiling', { ceiling: { scopes: ['admin'] } }],
    ['digest', { digest: 'a'.repeat(64) }],
    ['keyId', { keyId: 'key_00112233445566778899aabbccddee' }],
    ['body', { metadata: { constructor: 'x' } }],
    ['body', { metadata: { toString: 'x' } }],
    ['body', { prototype: 1 }],
  ])('in a create is 400 and names %s: %j', async (field, more) => {
    expectNamed(await served.ask('POST', keys, { body: keyBody(more) }), field);
  });

  it('names every wrong field at once', async () => {
    const { body } = await served.ask('POST', keys, { body: { name: 1, scopes: 2, admin: true } });
    const fields = new Set(body.errors.map(({ field }: { field: string }) => field));
    expect(fields).toEqual(new Set(['name', 'environment', 'scopes', 'admin']));
  });

  it.each<[string, string, object]>([
    ['PATCH', 'name', { name: null }],
    ['PATCH', 'name', { name: 'a\u0000' }],
    ['PATCH', 'scopes', { scopes: null }],
    ['PATCH', 'metadata', { metadata: null }],
    ['PATCH', 'expiresAt', { expiresAt: '2020-01-01T00:00:00Z' }],
    ['PATCH', 'expiresAt', { expiresAt: '' }],
    ['PATCH', 'environment', { environment: 'test' }],
    ['POST /rotate', 'graceSeconds', { graceSeconds: null }],
    ['POST /rotate', 'graceSeconds', { graceSeconds: -1 }],
    ['POST /rotate', 'graceSeconds', { graceSeconds: 2_592_001 }],
    ['POST /rotate', 'graceSeconds', { graceSeconds: 1.5 }],
    ['POST /rotate', 'graceSeconds', { graceSeconds: '60' }],
    ['POST /rotate', 'graceSeconds', { graceSeconds: 1e300 }],
    ['POST /rotate', 'retirePrevious', { retirePrevious: 'yes' }],
    ['POST /revoke', 'reason', { reason: 'x'.repeat(501) }],
    ['POST /revoke', 'reason', { reason: 'a\u0000' }],
    ['POST /revoke', 'reason', { reason: {} }],
  ])('in a %s is 400 and names %s: %j', async (route, field, body) => {
    const [method = '', path = ''] = route.split(' ');
    expectNamed(await served.ask(method, `${keys}/${keyId}${path}`, { body }), field);
  });

  it.each<[string, object]>([
    ['digest', { digest: 'A'.repeat(64) }],
    ['digest', { digest: 'a'.repeat(63) }],
    ['digest', {}],
    ['hintStart', { digest: 'a'.repeat(64), hintStart: 'x'.repeat(13) }],
    ['hintEnd', { digest: 'a'.repeat(64), hintEnd: '\u0000' }],
    ['hintEnd', { digest: 'a'.repeat(64), hintEnd: null }],
    ['secret', { digest: 'a'.repeat(64), secret: 'lk_live_…' }],
  ])('in an import is 400 and names %s: %j', async (field, more) => {
    const body = keyBody({ attestedEntropyBits: 128, ...more });
    expectNamed(await served.ask('POST', `${keys}/import`, { body }), field);
  });

  it.each<[string, object]>([
    ['name', { name: null }],
    ['name', { name: '' }],
    ['name', { name: 'a\u0000' }],
    ['maxActiveKeys', { maxActiveKeys: null }],
    ['maxActiveKeys', { maxActiveKeys: -1 }],
    ['maxActiveKeys', { maxActiveKeys: 1e15 }],
    ['maxActiveKeys', { maxActiveKeys: 2 ** 31 }],
    ['maxActiveKeys', { maxActiveKeys: 0.5 }],
    ['plan', { plan: 'gold' }],
  ])('in a tenant is 400 and names %s: %j', async (field, body) => {
    expectNamed(await served.ask('PUT', '/v1/tenants/acme', { body }), field);
  });

  const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);

  it.each([
    ['text that is not JSON', '{', 400],
    ['nothing at all', '', 400],
    ['an array', '[]', 400],
    ['null', 'null', 400],
    ['a text', '"x"', 400],
    ['a number beyond all', '1e999', 400],
    ['100,000 levels', nested(100_000), 400],
    [
      '100,000 levels in metadata',
      JSON.stringify(keyBody()).replace(/}$/, `,"metadata":{"a":${nested(100_000)}}}`),
      400,
    ],
    [
      '33 levels in metadata',
      JSON.stringify(keyBody()).replace(/}$/, `,"metadata":{"a":${nested(33)}}}`),
      400,
    ],
    ['__proto__', '{"__proto__":{"name":"x"}}', 400],
    ['2 MB', JSON.stringify(keyBody({ name: 'x'.repeat(2_000_000) })), 413],
  ])('is refused as a body: %s', async (_, raw, status) => {
    expect((await served.ask('POST', keys, { raw })).status).toBe(status);
  });

  it('is refused as a body that is not UTF-8 or not JSON by its type', async () => {
    const broken = Buffer.from([...Buffer.from('{"name":"'), 0xff, 0xfe, ...Buffer.from('"}')]);
    expect((await served.ask('POST', keys, { raw: broken })).status).toBe(400);
    for (const type of [
      'application/x-www-form-urlencoded',
      'text/plain',
      'multipart/form-data; boundary=x',
    ]) {
      const { status } = await served.ask('POST', keys, {
        raw: 'name=x',
        headers: { 'content-type': type },
      });
      expect([type, status]).toEqual([type, 415]);
    }
  });

  it.each([
    'key_%00',
    '%00',
    'key_%ff',
    'x'.repeat(10_240),
    '*',
    '..%2f..',
    "'%3b drop table keys.events%3b--",
    'key_00',
  ])('is 404 as an id of a key: %.20s', async (id) => {
    const asks: [string, string, unknown?][] = [
      ['GET', ''],
      ['PATCH', '', {}],
      ['PATCH', '', { name: 'x' }],
      ['POST', '/rotate'],
      ['POST', '/retire-previous-secret'],
      ['POST', '/revoke'],
      ['GET', '/events'],
      ['GET', '/usage'],
    ];
    for (const [method, path, body] of asks) {
      const { status } = await served.ask(method, `${keys}/${id}${path}`, { body });
      expect([method, path, status]).toEqual([method, path, 404]);
    }
  });

  it.each(['%00', 'UPPER', '-x', 'x'.repeat(64), 'x'.repeat(10_240), '*', 'a%2fb', 'é'])(
    'is 400 or 404 as an id of a tenant: %.20s',
    async (id) => {
      const registered = await served.ask('PUT', `/v1/tenants/${id}`, { body: {} });
      expect([registered.status, registered.body.errors[0].field]).toEqual([400, 'tenantId']);
      const asks: [string, string, unknown?][] = [
        ['GET', ''],
        ['POST', '/suspend'],
        ['POST', '/resume'],
        ['GET', '/keys'],
        ['POST', '/keys', keyBody()],
        ['POST', '/keys/import', keyBody({ digest: 'f'.repeat(64), attestedEntropyBits: 128 })],
        ['POST', `/keys/${keyId}/rotate`],
        ['POST', `/keys/${keyId}/revoke`],
      ];
      for (const [method, path, body] of asks) {
        const { status } = await served.ask(method, `/v1/tenants/${id}${path}`, { body });
        expect([method, path, status]).toEqual([method, path, 404]);
      }
    },
  );

  it.each(['', ' ', 'a b', 'é', 'x'.repeat(256)])('is 400 as an Idempotency-Key: %.20j', async (key) => {
    const answer = await served.ask('POST', keys, {
      body: keyBody(),
      headers: { 'idempotency-key': Buffer.from(key, 'utf8').toString('latin1') },
    });
    expectNamed(answer, 'Idempotency-Key');
  });

  it('takes what is unusual and right', async () => {
    const metadata = {
      '': '',
      length: -1,
      'a\\u0000b': 'written, not meant: \\u0000 \\ud800',
      emoji: '🔑',
      list: [null, true, 1e300, -0.5, 5e-324, [[]], {}],
      [`'; drop table keys.events; --`]: '$1 %s ${x} {"a":1}',
    };
    const { status, body } = await served.ask('POST', keys, {
      body: keyBody({
        name: '🔑'.repeat(50),
        scopes: [],
        metadata,
        expiresAt: '9999-12-31T23:59:59.999999999Z',
      }),
    });
    expect(status).toBe(201);
    const read = await served.ask('GET', `${keys}/${body.key.id}`);
    expect(read.body.key).toMatchObject({ metadata, expiresAt: '9999-12-31T23:59:59.999Z', scopes: [] });
  });

  it('takes metadata of 4,096 bytes', async () => {
    const metadata = { text: 'x'.repeat(4096 - '{"text":""}'.length) };
    expect((await served.ask('POST', keys, { body: keyBody({ metadata }) })).status).toBe(201);
    const more = { text: `${metadata.text}x` };
    expectNamed(await served.ask('POST', keys, { body: keyBody({ metadata: more }) }), 'metadata');
  });
});
