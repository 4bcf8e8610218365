import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type LatchkeyStandalone, startLatchkeyStandalone } from '#libs/testing/latchkey-standalone';
import { shippedProfiles } from '#libs/testing/shipped-profiles';
import { Product } from '../conformance/product.js';

jest.setTimeout(120_000);

const run = promisify(execFile);
const NEWMAN = resolve('node_modules/newman/bin/newman.js');

interface Execution {
  item: { name: string };
  response?: { code: number };
  assertions?: { assertion: string; error?: object }[];
}

describe('the Postman collection of each product', () => {
  let latchkey: LatchkeyStandalone;
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'latchkey-postman-'));
    latchkey = await startLatchkeyStandalone({ LATCHKEY_PROFILES: '*' });
  }, 120_000);
  afterAll(async () => {
    await latchkey?.stop();
    await rm(directory, { recursive: true });
  }, 60_000);

  /** Runs the collection that is derived from the running server, with a key that may do everything. */
  async function executions(name: string): Promise<{ all: Execution[]; requests: number }> {
    const profile = shippedProfiles.named(name);
    if (profile === undefined) throw new Error(`there is no profile ${name}`);
    const operating = { environment: { LATCHKEY_DATA_DIR: latchkey.directory }, databaseAdminUrl: '' };
    const product = new Product(latchkey, name, profile.basePath, profile.httpsOnly, operating);
    const scopes = profile.scopes.rules.map((rule) => rule.name);
    const wished = { free: { scopes }, one: { scopes: scopes.slice(-1) }, some: {}, all: {} }[
      profile.scopes.choice
    ];
    const key = await product.key(wished);
    await product.client.manage('PUT', `${key.path}/rate-limit`, { requestsPerMinute: 1000 });
    for (const { name: collection, methods, parent, example } of profile.collections) {
      if (!methods.includes('POST') && parent === null)
        await product.import(key.tenantId, collection, [example]);
    }
    product.close();
    const [file, report] = [join(directory, `${name}.json`), join(directory, `${name}-report.json`)];
    const host = `${name}.localhost`;
    await run(process.execPath, [
      'scripts/postman.mjs',
      '--url',
      latchkey.apiUrl,
      '--host',
      host,
      '--out',
      file,
    ]);
    const collection = JSON.parse(await readFile(file, 'utf8'));
    expect(collection.info.schema).toBe(
      'https://schema.getpostman.com/json/collection/v2.1.0/collection.json',
    );
    // What a proxy and the product's own name would do.
    const through = [
      `pm.request.headers.upsert({ key: 'Host', value: '${host}' });`,
      "pm.request.headers.upsert({ key: 'X-Forwarded-Proto', value: 'https' });",
    ];
    collection.event = [{ listen: 'prerequest', script: { type: 'text/javascript', exec: through } }];
    await writeFile(file, JSON.stringify(collection));
    const variables = [`baseUrl=${latchkey.apiUrl}`, `bearerToken=${key.secret}`];
    const options = ['--reporters', 'json', '--reporter-json-export', report];
    await run(
      process.execPath,
      [
        NEWMAN,
        'run',
        file,
        ...options,
        ...variables.flatMap((variable) => ['--global-var', variable, '--env-var', variable]),
      ],
      { maxBuffer: 100_000_000 },
    ).catch(() => undefined);
    return {
      all: JSON.parse(await readFile(report, 'utf8')).run.executions,
      requests: collection.item.length,
    };
  }

  it.each(shippedProfiles.names)(
    '%s: every request is derived from the document, and succeeds',
    async (name) => {
      const { all, requests } = await executions(name);
      expect(requests).toBeGreaterThan(2);
      const failed = all.filter(
        ({ assertions = [] }) => assertions.length === 0 || assertions.some(({ error }) => error),
      );
      expect(failed.map(({ item, response }) => [item.name, response?.code])).toEqual([]);
      expect(all).toHaveLength(requests);
    },
  );
});
