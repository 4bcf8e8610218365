/**
 * `npm run bench`: what verifying, creating and counting cost, beside their peers, in one run on real servers. Prints
 * the figures and writes them to docs/benchmarks.md; ends with 1 where a bar is missed.
 */
import './node-version.mjs';
import { existsSync, writeFileSync } from 'node:fs';
import { arch, cpus, loadavg, platform, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import grpc from '@grpc/grpc-js';
import { ensureBuilt } from './build.mjs';
import { importSource } from './import-source.mjs';
import { ensureInstalled } from './install.mjs';
import { forEachInFlight } from './replay/in-flight.mjs';
import { Management } from './replay/management.mjs';
import { root, runAsProgram } from './run.mjs';

const USAGE = `npm run bench
  [--quick]      one short round, to see that everything is measured; its figures say nothing and are not kept
  [--out FILE]   where the figures go, default docs/benchmarks.md`;
const FULL = {
  rounds: 5,
  callMs: 2000,
  warmUpMs: 2000,
  createMs: 3000,
  keys: 1000,
  changes: 200,
  events: 300_000,
  decisions: 200_000,
  stormSeconds: 60,
  revokedKeys: 1_000_000,
  admissions: 120_000,
  refusals: 300,
  documents: 1_000_000,
};
const QUICK = {
  rounds: 1,
  callMs: 150,
  warmUpMs: 150,
  createMs: 150,
  keys: 40,
  changes: 3,
  events: 6000,
  decisions: 2000,
  stormSeconds: 1,
  revokedKeys: 100_000,
  admissions: 12_000,
  refusals: 3,
  documents: 2000,
};
const TENANTS = 16;
const KEYS_MAX = 1_000_000;
/** A verifier whose near cache holds the tenants, and no key until it is asked for again. */
const UNCACHED = 'auth-verifier-uncached';
/** What a call, or a key of a batch, may cost by the echo's call. */
const CALL_BARS = [
  { bar: 'a', what: 'Verify, Redis asked, usage off', atMost: 1.6 },
  { bar: 'b', what: 'VerifyBatch, Redis asked', atMost: 0.25 },
  { bar: 'e', what: 'Verify, near cache, usage off', atMost: 1.35 },
  { bar: 'e', what: 'Verify, near cache, usage on', atMost: 1.6 },
  { bar: 'f', what: 'VerifyBatch, near cache', atMost: 0.12 },
];

await runAsProgram(import.meta.url, async () => {
  const { quick, out } = readOptions();
  if (!existsSync('/proc/self/stat')) throw new Error('CPU time is read from /proc: this needs Linux');
  await ensureInstalled({ keepLock: false });
  await ensureBuilt();
  const statistics = await importSource('scripts/bench/statistics.ts');
  const { markdownOf } = await importSource('scripts/bench/report.ts');

  const [loadBefore] = loadavg();
  const startMs = performance.now();
  const { servers, ...measured } = await onRealStack(quick ? QUICK : FULL, statistics);
  const report = {
    setting: settingOf({ quick, servers, loadBefore, seconds: (performance.now() - startMs) / 1000 }),
    ...(await figuresOf(measured, statistics)),
  };
  const text = markdownOf(report);
  console.log(`\n${text}`);
  if (out !== undefined) writeFileSync(out, text);
  const missed = report.barred.filter(({ spread, limits }) => statistics.judge(spread, limits) === 'missed');
  if (missed.length > 0 && !quick) process.exitCode = 1;
});

function readOptions() {
  try {
    const { values } = parseArgs({ options: { quick: { type: 'boolean' }, out: { type: 'string' } } });
    const quick = values.quick ?? false;
    return { quick, out: values.out ?? (quick ? undefined : join(root, 'docs', 'benchmarks.md')) };
  } catch (error) {
    throw new Error(`${error.message}\n\n${USAGE}`, { cause: error });
  }
}

async function onRealStack(size, statistics) {
  const { startStack } = await import('./stack/start-stack.mjs');
  const { prepareLatchkeyProcesses } = await importSource('libs/testing/src/latchkey-processes.ts');
  const stack = await startStack({ given: {}, load: true });
  const directory = join(root, '.stack', 'runs', `${process.pid}-bench`);
  let latchkey;
  try {
    latchkey = await prepareLatchkeyProcesses(stack.env, directory, {
      environment: { LATCHKEY_LOG_LEVEL: 'warn' },
      checkout: root,
    });
    const servers = await serversOf(stack.env);
    return { ...(await measure(size, statistics, latchkey, stack.env)), servers };
  } finally {
    await latchkey?.stop();
    await stack.stop();
  }
}

async function measure(size, { percentileOf }, latchkey, stackEnv) {
  const { measureCalls } = await import('./bench/measure-calls.mjs');
  const { measureChanges } = await import('./bench/measure-changes.mjs');
  const { measureFence } = await import('./bench/measure-fence.mjs');
  const { measureCreates } = await import('./bench/measure-creates.mjs');
  const { measurePages, measureVersions } = await import('./bench/measure-documents.mjs');
  const { measureHooks } = await import('./bench/measure-hooks.mjs');
  const { measureRefusals } = await import('./bench/measure-refusals.mjs');
  const { measureRateLimit } = await import('./bench/measure-rate-limit.mjs');
  const { measureUsage } = await import('./bench/measure-usage.mjs');
  const { startWorker } = await import('./bench/worker.mjs');

  const [, nearBy, asking] = await Promise.all([
    latchkey.start('key-management'),
    latchkey.start('auth-verifier'),
    latchkey.start('auth-verifier', {
      instance: UNCACHED,
      environment: { LATCHKEY_NEAR_CACHE_RECORDS_MAX: String(2 * TENANTS) },
    }),
  ]);
  const management = new Management(latchkey.managementUrl, latchkey.operatorToken);
  const tenantIds = Array.from({ length: TENANTS }, (_, n) => `bench-${n}`);
  for (const tenantId of tenantIds) {
    await management.call('PUT', `/v1/tenants/${tenantId}`, { maxActiveKeys: KEYS_MAX });
  }
  const credentials = [];
  await forEachInFlight(Array.from({ length: size.keys }).keys(), TENANTS, async (n) => {
    const wish = { name: 'bench', environment: 'live', scopes: ['read', 'write'] };
    const path = `/v1/tenants/${tenantIds[n % TENANTS]}/keys`;
    credentials.push((await management.call('POST', path, wish)).secret);
  });

  const response = await oneResponse(latchkey, credentials[0]);
  const echo = await startWorker('echo-server', { response });
  const client = await startWorker('call-client', { token: latchkey.serviceToken, credentials, tenantIds });
  try {
    say('Verify, VerifyBatch and the echo');
    const verifiers = { 'near cache': nearBy, 'Redis asked': asking };
    const samples = await measureCalls({ client, echo, verifiers, ...size, percentileOf });
    await latchkey.process(UNCACHED).kill();
    say('create → VALID and revoke → REVOKED');
    const changes = await measureChanges({ latchkey, management, tenantIds, ...size });
    say('refusals');
    const refusals = await measureRefusals({ latchkey, management, tenantIds, ...size });
    say('revoke → enforced, and what the fence costs');
    const fence = await measureFence({
      latchkey,
      verifiers: ['auth-verifier'],
      management,
      tenantIds,
      credentials,
      ...size,
    });
    say('create, and the bare client');
    const creates = await measureCreates({
      client,
      latchkey,
      stackEnv,
      tenantIds,
      keysMax: KEYS_MAX,
      ...size,
    });
    await latchkey.process('key-management').kill();
    say('rate limits, and a bare GET');
    const rateLimit = await measureRateLimit({ stackEnv, ...size });
    say('the api’s hooks, and the bare route');
    const hooks = await measureHooks(size);
    say('lists of documents');
    const documents = {
      pages: await measurePages({ stackEnv, ...size }),
      versions: await measureVersions(size),
    };
    say('counting');
    const usage = await measureUsage({ latchkey, stackEnv, ...size });
    return { samples, changes, refusals, fence, creates, rateLimit, hooks, documents, usage };
  } finally {
    management.close();
    await echo.stop();
    await client.stop();
  }
}

/** What the verifier answers to one of the keys: the echo answers the same, as plain data. */
async function oneResponse(latchkey, credential) {
  const { Counting, VerifierServiceClient, VerifyRequest, VerifyResponse } = await import(
    '#libs/contracts/gen/latchkey/v1/verifier_service'
  );
  const address = latchkey.addresses.verifier;
  const client = new VerifierServiceClient(address, grpc.credentials.createInsecure());
  const metadata = new grpc.Metadata();
  metadata.set('authorization', `Bearer ${latchkey.serviceToken}`);
  const request = VerifyRequest.fromPartial({ credential, counting: Counting.CALLER_REPORTS });
  try {
    return await new Promise((resolve, reject) => {
      client.verify(request, metadata, (error, answer) =>
        error ? reject(error) : resolve(VerifyResponse.toJSON(answer)),
      );
    });
  } finally {
    client.close();
  }
}

/** Spreads over the rounds, and for what is compared the spread of the quotients within each round. */
async function figuresOf(measured, { spreadOf, percentileOf }) {
  const { samples, changes, refusals, fence, creates, rateLimit, hooks, documents, usage } = measured;
  const { barredDocuments } = await import('./bench/measure-documents.mjs');
  const { barredHooks } = await import('./bench/measure-hooks.mjs');
  const { refusalFigures } = await import('./bench/measure-refusals.mjs');
  const { IN_FLIGHT } = await import('./bench/measure-calls.mjs');
  const { barredOf } = await import('./bench/fence-figures.mjs');
  const { barredRateLimit } = await import('./bench/measure-rate-limit.mjs');
  const { CREATES_IN_FLIGHT } = await import('./bench/measure-creates.mjs');
  const of = (what, inFlight) =>
    samples.filter((sample) => sample.what === what && sample.inFlight === inFlight);
  const quotients = (what, inFlight) => {
    const peers = of('echo', inFlight);
    return spreadOf(of(what, inFlight).map(({ cpuMicros }, round) => cpuMicros / peers[round].cpuMicros));
  };
  const whats = [...new Set(samples.map(({ what }) => what))];
  const calls = whats.flatMap((what) =>
    IN_FLIGHT.map((inFlight) => {
      const rounds = of(what, inFlight);
      const spread = (name) => spreadOf(rounds.map((sample) => sample[name]));
      const figures = ['cpuMicros', 'perSecond', 'p50Ms', 'p99Ms'].map((name) => [name, spread(name)]);
      return { what, inFlight, ...Object.fromEntries(figures) };
    }),
  );
  const { bare, inProcess } = creates;
  const barred = [
    ...CALL_BARS.flatMap(({ bar, what, atMost }) =>
      IN_FLIGHT.map((n) => ({
        bar,
        what: `CPU of ${what}, by echo, ${n} in flight`,
        spread: quotients(what, n),
        limits: { atMost },
      })),
    ),
    {
      bar: 'c',
      what: `rate of create by bare pg, ${CREATES_IN_FLIGHT} in flight, ${TENANTS} tenants`,
      spread: spreadOf(inProcess.map((rate, round) => rate / bare[round])),
      limits: { atLeast: 2 },
    },
    {
      bar: 'd',
      what: 'usage events counted per second',
      spread: spreadOf(usage.perSecond),
      limits: { atLeast: 30_000 },
    },
    ...barredOf(fence, { spreadOf, percentileOf }),
    ...barredRateLimit(rateLimit, { spreadOf }),
    ...barredHooks(hooks, { spreadOf }),
    ...barredDocuments(documents, { spreadOf, percentileOf }),
  ];
  const percentiles = (what, values) => {
    const sorted = values.toSorted((a, b) => a - b);
    const [p50, p99] = [percentileOf(sorted, 0.5), percentileOf(sorted, 0.99)];
    const ends = { min: sorted[0], max: sorted.at(-1) };
    return [
      { what: `${what}, p50 of ${sorted.length}`, spread: { median: p50, ...ends }, unit: 'ms' },
      { what: `${what}, p99 of ${sorted.length}`, spread: { median: p99, ...ends }, unit: 'ms' },
    ];
  };
  const plain = [
    ...IN_FLIGHT.map((n) => ({
      what: `CPU of Verify, Redis asked, usage on, by echo, ${n} in flight`,
      spread: quotients('Verify, Redis asked, usage on', n),
      unit: 'times',
    })),
    { what: 'create, in process', spread: spreadOf(inProcess), unit: 'per second' },
    { what: 'create, over gRPC', spread: spreadOf(creates.grpc), unit: 'per second' },
    { what: 'create, bare pg', spread: spreadOf(bare), unit: 'per second' },
    { what: 'CPU of usage for one event', spread: spreadOf(usage.cpuMicros), unit: 'µs' },
    ...percentiles('create → VALID seen', changes.created),
    ...percentiles('revoke → REVOKED seen', changes.revoked),
    ...percentiles('revoke → enforced, in the storm', fence.storm.times),
    ...refusalFigures(refusals, { percentileOf }),
  ];
  return { calls, barred, plain };
}

async function serversOf(stackEnv) {
  const { withPostgres } = await import('./bench/measure-creates.mjs');
  const { Redis } = await import('ioredis');
  const postgres = await withPostgres(stackEnv.DATABASE_ADMIN_URL, async (database) => {
    const { rows } = await database.query('show server_version');
    return rows[0].server_version;
  });
  const redis = new Redis(stackEnv.REDIS_URL);
  const info = await redis.info('server');
  redis.disconnect();
  return `PostgreSQL ${postgres}, Redis ${/redis_version:(\S+)/.exec(info)?.[1]}, Apache Kafka`;
}

function settingOf({ quick, servers, loadBefore, seconds }) {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'an unknown CPU',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    os: `${platform()} ${arch()}`,
    node: process.versions.node,
    servers,
    loadBefore,
    date: new Date().toISOString().slice(0, 10),
    command: `npm run bench${quick ? ' -- --quick' : ''}`,
    rounds: (quick ? QUICK : FULL).rounds,
    seconds,
  };
}

function say(what) {
  console.log(`measuring: ${what}`);
}
