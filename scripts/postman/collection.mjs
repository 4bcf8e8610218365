/** Makes of an OpenAPI document a Postman collection whose requests run one after the other, each with what those before it made. */
import { createRequire } from 'node:module';

const { convertV2 } = createRequire(import.meta.url)('openapi-to-postmanv2');

/** Of ids in the documents' examples: what tells one from other text is the part before "_". */
const EXAMPLE_ID = /\b([a-z]{2,8})_(?:5f0d2c6b8a1e4f3d9c7b5a3f1e0d2c4b|0d3f6b8a1c2e4f5061728394a5b6c7)\b/g;
/** What must come before what: things are made, then looked at and changed, and at last removed. */
const TURNS = ['POST', 'GET', 'PATCH', 'DELETE'];
/** Of POSTs to one of them, which are changes. */
const CHANGES = ['rotate', 'retire-previous-secret', 'revoke'];

/** The collection (v2.1) of a document. Its variables are `baseUrl` and `bearerToken`, and the ids that requests leave behind. */
export async function collectionOf(document) {
  const converted = await convert(document);
  const requests = requestsIn(converted.item).map((item) => derived(item, document));
  return {
    info: { ...converted.info, name: document.info.title },
    auth: converted.auth,
    variable: [
      { key: 'baseUrl', value: document.servers[0].url },
      { key: 'bearerToken', value: '' },
    ],
    item: inOrder(requests).map(({ item }) => item),
  };
}

function convert(document) {
  const options = { parametersResolution: 'Example', folderStrategy: 'Tags', includeResponses: false };
  return new Promise((done, failed) => {
    convertV2(
      { type: 'json', data: structuredClone(document) },
      options,
      (error, { result, reason, output } = {}) => {
        if (error || !result)
          failed(new Error(`no collection can be made of this document: ${reason ?? error}`));
        else done(output[0].data);
      },
    );
  });
}

function requestsIn(items) {
  return items.flatMap((item) => (item.item ? requestsIn(item.item) : [item]));
}

/** One request with ids as variables, without what may be left out, with a test, and what it needs and leaves behind. */
function derived({ name, request }, document) {
  const { method, url, header = [], body } = request;
  const path = `/${url.path.map((part) => (part.startsWith(':') ? `{${part.slice(1)}}` : part)).join('/')}`;
  const operation = document.paths[path][method.toLowerCase()];
  const isGiven = ({ key }) =>
    (operation.parameters ?? []).find((each) => each.name === key)?.required !== false;
  const segments = url.path.map((part) => {
    if (!part.startsWith(':')) return part;
    return withVariables(String(url.variable.find(({ key }) => key === part.slice(1)).value), part.slice(1));
  });
  const raw = body?.raw === undefined ? undefined : withVariables(body.raw);
  const item = {
    name,
    request: {
      method,
      header: header.filter((each) => each.key === 'Content-Type' || each.key === 'Accept' || isGiven(each)),
      url: { raw: ['{{baseUrl}}', ...segments].join('/'), host: ['{{baseUrl}}'], path: segments },
      ...(raw !== undefined && { body: { mode: 'raw', raw, options: { raw: { language: 'json' } } } }),
    },
    event: [{ listen: 'test', script: { type: 'text/javascript', exec: testOf(path) } }],
  };
  const text = segments.join('/') + (raw ?? '');
  const last = url.path.at(-1);
  return {
    item,
    method,
    path,
    needs: new Set([...text.matchAll(/\{\{(\w+)\}\}/g)].map(([, variable]) => variable)),
    isMaking: method === 'POST' && !CHANGES.includes(last) && 201 in operation.responses,
    makes: madeBy(operation),
  };
}

/** The variable that is left behind, by the example of what is answered. */
function madeBy(operation) {
  const { schema, example } = operation.responses[201]?.content?.['application/json'] ?? {};
  if (schema === undefined) return undefined;
  const id = example?.id ?? 'key_';
  return `${id.split('_')[0]}_id`;
}

function withVariables(text, parameter) {
  const replaced = text.replaceAll(EXAMPLE_ID, (_, prefix) => `{{${prefix}_id}}`);
  return replaced === text && parameter !== undefined ? `{{${parameter}}}` : replaced;
}

/** The test that goes with a request; ids that are answered become variables. */
function testOf(path) {
  return [
    `pm.test('${path} is answered with success', () => pm.expect(pm.response.code).to.be.within(200, 299));`,
    'const body = pm.response.code === 204 ? {} : pm.response.json();',
    "for (const { id } of [body, body.key ?? {}, ...(body.data ?? [])].filter((each) => typeof each.id === 'string')) {",
    // What a list shows first is the newest, and may be the key that the collection runs with: made ones win.
    "  const name = `${id.split('_')[0]}_id`;",
    '  if (pm.response.code === 201 || !pm.collectionVariables.has(name)) pm.collectionVariables.set(name, id);',
    '}',
    "if (typeof body.revision === 'string') pm.collectionVariables.set('revision', body.revision);",
  ];
}

/** Made first what others need; removed first what was made last. */
function inOrder(requests) {
  const making = [];
  const waiting = requests.filter(({ isMaking }) => isMaking);
  const made = new Set();
  while (waiting.length > 0) {
    const open = new Set(waiting.map(({ makes }) => makes));
    const at = Math.max(
      0,
      waiting.findIndex(({ needs }) => [...needs].every((name) => made.has(name) || !open.has(name))),
    );
    const [next] = waiting.splice(at, 1);
    made.add(next.makes);
    making.push(next);
  }
  const lists = requests.filter(({ method, path }) => method === 'GET' && !path.includes('{'));
  const rest = requests.filter((each) => !making.includes(each) && !lists.includes(each));
  const changes = rest.filter(({ method }) => method === 'POST');
  const turn = ({ path }) => CHANGES.findIndex((change) => path.endsWith(change));
  const others = rest.filter(({ method }) => method !== 'POST' && method !== 'DELETE');
  const removed = making.map(({ makes }) => makes).toReversed();
  const removals = rest.filter(({ method }) => method === 'DELETE');
  const removalTurn = ({ needs }) => Math.min(...[...needs].map((name) => removed.indexOf(name)));
  return [
    ...making,
    ...lists,
    ...changes.toSorted((a, b) => turn(a) - turn(b)),
    ...others.toSorted((a, b) => TURNS.indexOf(a.method) - TURNS.indexOf(b.method)),
    ...removals.toSorted((a, b) => removalTurn(a) - removalTurn(b)),
  ];
}
