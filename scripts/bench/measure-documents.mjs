/** What lists of documents cost: a page of a million in PostgreSQL, and the steps that bring it back to the oldest version. */
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { IN_FLIGHT } from './measure-calls.mjs';
import { withCpu } from './process-cpu.mjs';
import { startWorker } from './worker.mjs';

const PAGE = 100;
/** The other page begins where this many have gone by; of fewer documents, at the last of them. */
const FAR_PAGE = 10_000;
const READS = 300;
const LIST = { collection: 'notes', parentId: null };

/** Resolves to milliseconds of each read of the first and of the far page, read in turn. */
export async function measurePages({ stackEnv, documents }) {
  const { createLogger } = await import('#libs/service-kit');
  const { bootstrapDatabase } = await import('#libs/service-kit/postgres-bootstrap');
  const { PostgresDatabase } = await import('#libs/service-kit/postgres-database');
  const { PostgresDocuments } = await import('../../dist/apps/api/src/collections/postgres-documents.js');
  const { API_MIGRATIONS } = await import('../../dist/apps/api/src/serve.js');
  const name = `bench_${randomUUID().replaceAll('-', '')}`;
  const server = await connected(stackEnv.DATABASE_ADMIN_URL);
  await server.query(`create database ${name}`);
  const adminUrl = new URL(stackEnv.DATABASE_ADMIN_URL);
  adminUrl.pathname = `/${name}`;
  const passwords = { api: { owner: randomUUID(), runtime: randomUUID() } };
  const { api: urls } = await bootstrapDatabase(adminUrl.href, passwords);
  const options = { ...urls, schema: 'api', migrations: API_MIGRATIONS, connectionsMax: 2 };
  const database = new PostgresDatabase(options, createLogger('bench', 'warn'));
  try {
    await database.ready;
    await fill(adminUrl.href, documents);
    const store = new PostgresDocuments(database);
    const pages = {
      first: null,
      far: { cursor: String(Math.max(PAGE + 1, documents - FAR_PAGE * PAGE + PAGE + 1)) },
    };
    const times = { first: [], far: [] };
    for (let read = 0; read < READS; read += 1) {
      for (const [page, from] of Object.entries(pages)) times[page].push(await pageMs(store, from));
    }
    return times;
  } finally {
    await database.close();
    await server.query(`drop database ${name} with (force)`);
    await server.end();
  }
}

/** Resolves to one sample for each version, number in flight and round: server CPU by answer, microseconds. */
export async function measureVersions({ rounds, callMs, warmUpMs }) {
  const client = await startWorker('http-client');
  const server = await startWorker('api-server', { kind: 'versions' });
  const versions = { newest: server.started.dates.at(-1), oldest: server.started.dates[0] };
  try {
    const run = async (version, inFlight, ms) => {
      const headers = {
        authorization: `Bearer syntropy_${'a'.repeat(46)}`,
        host: 'syntropy.localhost',
        'syntropy-version': versions[version],
      };
      const url = `${server.started.httpUrl}/api/v1/connections?limit=${PAGE}`;
      const { calls, cpuMs } = await withCpu(server.pid, () => client.ask({ url, headers, inFlight, ms }));
      return (cpuMs * 1000) / calls;
    };
    for (const version of Object.keys(versions)) await run(version, IN_FLIGHT.at(-1), warmUpMs);
    const samples = [];
    for (let round = 0; round < rounds; round += 1) {
      for (const inFlight of IN_FLIGHT) {
        for (const version of Object.keys(versions)) {
          samples.push({ version, inFlight, round, cpuMicros: await run(version, inFlight, callMs) });
        }
      }
    }
    return samples;
  } finally {
    await client.stop();
    await server.stop();
  }
}

/** What lists are held to: milliseconds at the 95th percentile, and the quotients of each round. */
export function barredDocuments({ pages, versions }, { spreadOf, percentileOf }) {
  const p95 = (times) => {
    const sorted = times.toSorted((a, b) => a - b);
    const median = percentileOf(sorted, 0.95);
    return { median, min: median, max: median };
  };
  const cpu = (version, inFlight) =>
    versions.filter((sample) => sample.version === version && sample.inFlight === inFlight);
  return [
    { what: 'the first page of a list, p95, ms', times: pages.first },
    { what: 'the ten-thousandth page of a list, p95, ms', times: pages.far },
  ]
    .map(({ what, times }) => ({ bar: 'm', what, spread: p95(times), limits: { atMost: 15 } }))
    .concat(
      IN_FLIGHT.map((n) => ({
        bar: 'n',
        what: `CPU of a page in the oldest version, by the newest, ${n} in flight`,
        spread: spreadOf(
          cpu('oldest', n).map(({ cpuMicros }, round) => cpuMicros / cpu('newest', n)[round].cpuMicros),
        ),
        limits: { atMost: 1.1 },
      })),
    );
}

async function fill(adminUrl, documents) {
  const admin = await connected(adminUrl);
  try {
    await admin.query(
      `insert into api.documents
         (tenant_id, environment, collection, id, parent_id, position, body, created_at, updated_at)
       select 'bench', 'live', 'notes', 'note_' || n, '', n,
         json_build_object('title', 'Note ' || n, 'text', repeat('x', 200)), now(), now()
       from generate_series(1, $1::bigint) n`,
      [documents],
    );
    await admin.query('analyze api.documents');
  } finally {
    await admin.end();
  }
}

async function pageMs(store, from) {
  const owner = { tenantId: 'bench', environment: 'live' };
  return store.of(owner, async (owned) => {
    const startMs = performance.now();
    const page = await owned.page(LIST, { order: 'desc', limit: PAGE, from, words: null });
    const elapsedMs = performance.now() - startMs;
    if (page.documents.length !== PAGE) throw new Error(`a page has ${page.documents.length} documents`);
    return elapsedMs;
  });
}

async function connected(url) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return client;
}
