/** Create at 64 in flight over 16 tenants: the command itself, over gRPC, and a bare client, in turn within each round. */
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { startWorker } from './worker.mjs';

export const CREATES_IN_FLIGHT = 64;
const POLL_MS = 50;

/** Resolves to creates per second by round: `{ bare, inProcess, grpc }`. */
export async function measureCreates({ client, latchkey, stackEnv, tenantIds, keysMax, rounds, createMs }) {
  const { adminUrl, urls } = await separateDatabase(stackEnv.DATABASE_ADMIN_URL, latchkey);
  const inProcess = await startWorker('in-process-create', {
    databaseUrl: urls.runtimeUrl,
    migrationUrl: urls.migrationUrl,
    tenantIds,
    keysMax,
  });
  const bare = await startWorker('bare-create', { adminUrl, tenantIds, connections: CREATES_IN_FLIGHT });
  const address = latchkey.addresses.management;
  const question = { inFlight: CREATES_IN_FLIGHT, ms: createMs };
  const rates = { bare: [], inProcess: [], grpc: [] };
  try {
    for (let round = -1; round < rounds; round += 1) {
      const sample = {
        bare: perSecond(await bare.ask(question)),
        inProcess: perSecond(await inProcess.ask(question)),
        grpc: perSecond(await client.ask({ kind: 'create', address, ...question })),
      };
      // The relay goes on after the last create, and would take its time from what comes next.
      await untilRelayed(stackEnv.DATABASE_ADMIN_URL);
      // The first round warms up.
      if (round >= 0) for (const [name, rate] of Object.entries(sample)) rates[name].push(rate);
    }
  } finally {
    await bare.stop();
    await inProcess.stop();
  }
  return rates;
}

function perSecond({ calls, elapsedMs }) {
  return (calls * 1000) / elapsedMs;
}

/** On the same server, and with nothing that relays its events. */
async function separateDatabase(serverAdminUrl, latchkey) {
  const { bootstrapDatabase } = await import('../../dist/libs/service-kit/src/postgres-bootstrap.js');
  await withPostgres(serverAdminUrl, (database) => database.query('create database bench_creates'));
  const adminUrl = Object.assign(new URL(serverAdminUrl), { pathname: '/bench_creates' }).href;
  // The roles are the server's: they keep the passwords that the services know.
  const { migrationUrl, runtimeUrl } = latchkey.databases.keys;
  const passwords = { owner: passwordOf(migrationUrl), runtime: passwordOf(runtimeUrl) };
  return { adminUrl, urls: (await bootstrapDatabase(adminUrl, { keys: passwords })).keys };
}

function passwordOf(url) {
  return decodeURIComponent(new URL(url).password);
}

async function untilRelayed(adminUrl) {
  await withPostgres(adminUrl, async (database) => {
    for (;;) {
      const { rows } = await database.query(
        `select (select coalesce(max(position), 0) from keys.events) <= position as relayed from keys.relay_checkpoint`,
      );
      if (rows[0].relayed) return;
      await delay(POLL_MS);
    }
  });
}

export async function withPostgres(url, work) {
  const database = new pg.Client({ connectionString: url });
  await database.connect();
  try {
    return await work(database);
  } finally {
    await database.end();
  }
}
