/**
 * `npm run fuzz`: holds a running Latchkey to the OpenAPI document of each product, by requests that Schemathesis makes up:
 * no 500, no status, header or body that the document does not name, nothing accepted that it forbids.
 */
import './node-version.mjs';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ensureBuilt } from './build.mjs';
import { ensureSchemathesis, holdToDocument } from './fuzz/held-to-document.mjs';
import { importSource } from './import-source.mjs';
import { ensureInstalled } from './install.mjs';
import { runAsProgram } from './run.mjs';

const USAGE = `npm run fuzz
  [--profile NAME ...]   products, default all of deploy/profiles
  [--examples N]         most requests of each phase to each operation, default 10
  [--seed N]             default 1: the same requests every time
  [--document FILE]      hold one product to this document in the place of the served one`;
/** Above what a run could use up in a minute. */
const REQUESTS_PER_MINUTE = 1_000_000;

await runAsProgram(import.meta.url, async () => {
  const options = readOptions();
  await ensureInstalled({ keepLock: false });
  await ensureBuilt();
  const program = ensureSchemathesis((line) => console.log(line));
  const { readProfiles } = await importSource('libs/profiles/src/file-profiles.ts');
  const { startLatchkeyStandalone } = await importSource('libs/testing/src/latchkey-standalone.ts');
  const all = readProfiles('deploy/profiles', []).all;
  const products =
    options.profiles.length === 0 ? all : all.filter(({ name }) => options.profiles.includes(name));
  if (products.length < options.profiles.length) throw new Error(`there is no such profile\n${USAGE}`);
  const latchkey = await startLatchkeyStandalone({ LATCHKEY_PROFILES: '*', LATCHKEY_LOG_LEVEL: 'error' });
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-fuzz-'));
  try {
    for (const product of products) {
      for (const version of [undefined, ...(product.versions?.dated.slice(0, -1) ?? [])]) {
        if (!(await fuzz({ latchkey, program, directory, product, version: version?.date, ...options }))) {
          process.exitCode = 1;
        }
      }
    }
  } finally {
    rmSync(directory, { recursive: true });
    await latchkey.stop();
  }
});

function readOptions() {
  const { values } = parseArgs({
    options: {
      profile: { type: 'string', multiple: true, default: [] },
      examples: { type: 'string', default: '10' },
      seed: { type: 'string', default: '1' },
      document: { type: 'string' },
    },
  });
  const [examples, seed] = [Number(values.examples), Number(values.seed)];
  const wrong = !Number.isInteger(examples) || examples < 1 || !Number.isInteger(seed) || seed < 0;
  if (wrong || (values.document !== undefined && values.profile.length !== 1)) throw new Error(USAGE);
  return { profiles: values.profile, examples, seed, document: values.document };
}

/** Resolves to whether the server held to the document of one product in one version, by default the newest. */
async function fuzz({ latchkey, program, directory, product, version, examples, seed, document }) {
  const { name } = product;
  const called = version === undefined ? name : `${name} ${version}`;
  const host = `${name}.localhost`;
  const { keyId, secret } = await makeKey(latchkey, product);
  const file = document ?? join(directory, `${called.replace(' ', '-')}.json`);
  if (document === undefined) writeFileSync(file, await served(latchkey.apiUrl, host, version));
  const startMs = performance.now();
  const { ok, output } = await holdToDocument(program, {
    document: file,
    url: latchkey.apiUrl,
    headers: {
      Host: host,
      Authorization: `Bearer ${secret}`,
      // As the proxy says that took the request over HTTPS.
      'X-Forwarded-Proto': 'https',
      ...(version !== undefined && { [product.versions.header]: version }),
    },
    ownKeyId: keyId,
    examples,
    seed,
  });
  const operations = Object.values(JSON.parse(readFileSync(file, 'utf8')).paths).flatMap((path) =>
    Object.keys(path),
  );
  const cases = /(\d+) generated/.exec(output)?.[1] ?? 'no';
  const seconds = ((performance.now() - startMs) / 1000).toFixed(0);
  const verdict = ok ? 'held' : 'NOT held';
  console.log(
    `${called}: ${verdict}, ${cases} cases of ${operations.length} operations, seed ${seed}, ${seconds} s`,
  );
  if (!ok) console.log(output);
  return ok;
}

/** A key that may do whatever a key of the product may. */
async function makeKey({ managementUrl, operatorToken }, { name, scopes }) {
  const manage = async (method, path, body) => {
    const headers = { authorization: `Bearer ${operatorToken}`, 'content-type': 'application/json' };
    const response = await fetch(managementUrl + path, { method, headers, body: JSON.stringify(body) });
    const answer = await response.json();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(answer)}`);
    return answer;
  };
  const tenantId = `fuzz-${name}-${Date.now()}`;
  await manage('PUT', `/v1/tenants/${tenantId}`, { profile: name });
  const names = scopes.rules.map((rule) => rule.name);
  const wished = { free: names, one: names.slice(-1) }[scopes.choice];
  const path = `/v1/tenants/${tenantId}/keys`;
  const { key, secret } = await manage('POST', path, {
    name: 'fuzz',
    environment: 'live',
    ...(wished && { scopes: wished }),
  });
  await manage('PUT', `${path}/${key.id}/rate-limit`, { requestsPerMinute: REQUESTS_PER_MINUTE });
  return { keyId: key.id, secret };
}

/** `fetch` takes no other Host header. */
function served(apiUrl, host, version) {
  const path = `/openapi.json${version === undefined ? '' : `?version=${version}`}`;
  return new Promise((done, failed) => {
    request(apiUrl + path, { headers: { host } }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () => done(Buffer.concat(chunks)));
    })
      .on('error', failed)
      .end();
  });
}
