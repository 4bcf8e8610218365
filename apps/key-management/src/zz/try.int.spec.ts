import {
  ask,
  createKeysDatabase,
  keyBody,
  registerTenant,
  serveKeyManagement,
} from '../served-key-management.contract.js';
import { jest } from '@jest/globals';
jest.setTimeout(60000);
const deep = (n: number) => '['.repeat(n) + ']'.repeat(n);
it('tries', async () => {
  const db = await createKeysDatabase();
  const s = await serveKeyManagement(db);
  const t = await registerTenant(s);
  const k = `/v1/tenants/${t}/keys`;
  const show = async (label: string, m: string, p: string, a: any = {}) => {
    try {
      const r = await ask(s, m, p, a);
      console.log(label, r.status, r.text.slice(0, 400));
      return r;
    } catch (e) {
      console.log(label, 'THROWS', String(e).slice(0, 500));
    }
  };
  const c = await show('create', 'POST', k, { body: keyBody() });
  const id = c?.body.key.id;
  await show('ctor', 'POST', k, {
    raw: JSON.stringify(
      keyBody({
        metadata: {
          a: { constructor: 'x', toString: 'y', prototype: 3, hasOwnProperty: 1 },
          constructor: 'q',
        },
      }),
    ),
  });
  await show('deep', 'POST', k, {
    raw: `{"name":"n","environment":"live","scopes":[],"metadata":{"a":${deep(1900)}}}`,
  });
  await show('deeper', 'POST', k, {
    raw: `{"name":"n","environment":"live","scopes":[],"metadata":{"a":${deep(100000)}}}`,
  });
  await show('deep0', 'POST', k, { raw: deep(400000) });
  await show('nul', 'POST', k, { body: keyBody({ name: 'a\u0000b' }) });
  await show('array', 'POST', k, { raw: '[]' });
  await show('array1', 'POST', k, { raw: JSON.stringify([keyBody()]) });
  await show('null', 'POST', k, { raw: 'null' });
  await show('string', 'POST', k, { raw: '"x"' });
  await show('nobody', 'POST', k);
  await show('empty', 'POST', k, { raw: '' });
  await show('badjson', 'POST', k, { raw: '{' });
  await show('rotate no body', 'POST', `${k}/${id}/rotate`);
  await show('rotate null', 'POST', `${k}/${id}/rotate`, {
    body: { graceSeconds: null, retirePrevious: true },
  });
  await show('revokestr', 'POST', `${k}/${id}/revoke`, { raw: '"x"' });
  await show('patch null', 'PATCH', `${k}/${id}`, { body: { metadata: null } });
  await show('patch namenull', 'PATCH', `${k}/${id}`, { body: { name: null } });
  await show('patch []', 'PATCH', `${k}/${id}`, { body: [] });
  await show('patch none', 'PATCH', `${k}/${id}`);
  await show('nul id', 'GET', `${k}/key_%00`);
  await show('bad pct', 'GET', `${k}/key_%ff`);
  await show('list', 'GET', `${k}?limit=1`);
  await show('text', 'POST', k, {
    raw: 'a=b',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  });
  await show('proto', 'POST', k, {
    raw: '{"name":"n","environment":"live","scopes":[],"metadata":{"__proto__":{"a":1}}}',
  });
  await show('DELETE', 'DELETE', k);
  await show('big', 'POST', k, { body: keyBody({ metadata: { a: 'x'.repeat(2_000_000) } }) });
  await s.close();
  await db.drop();
});
