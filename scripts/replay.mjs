/**
 * `npm run replay -- --log FILE`: the main job on real traffic. Every request of an access log goes through the four
 * services on real Kafka, Redis and PostgreSQL, with a key for each client address; then what was counted for each key
 * is held against the log. Ends with 1 where any count differs.
 */
import './node-version.mjs';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { METHODS } from 'node:http';
import { dirname, join, relative } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { ensureBuilt } from './build.mjs';
import { importSource } from './import-source.mjs';
import { ensureInstalled } from './install.mjs';
import { forEachInFlight } from './replay/in-flight.mjs';
import { Management } from './replay/management.mjs';
import { attempt, sendRequests } from './replay/send-requests.mjs';
import { root, runAsProgram, secondsSince } from './run.mjs';

const USAGE = `npm run replay -- --log FILE
  [--kill SERVICE@N]  kill -9 the service (verifier, usage, api, management) when N requests are answered, and start it
                      again at once; may be repeated
  [--out FILE]        where the counts go, default .stack/replay-counts.tsv`;
const SETUP_IN_FLIGHT = 16;
const COUNTED_TIMEOUT_MS = 60_000;
const COUNTED_POLL_MS = 250;
/** Its only request is the last of all: what was reported before it is counted before it. */
const LAST_CLIENT = 'the-end-of-the-log';

await runAsProgram(import.meta.url, async () => {
  const sources = ['access-log', 'counts', 'kills', 'tenant-id'];
  const [{ readAccessLog }, counting, { readKill }, { tenantIdOf }] = await Promise.all(
    sources.map((name) => importSource(`scripts/replay/${name}.ts`)),
  );
  const options = readOptions(readKill);
  const log = readAccessLog(readFileSync(options.logPath, 'latin1'), METHODS);
  sayLeftOut(log.unreadable);
  if (log.requests.length === 0) throw new Error('the log has no request');
  for (const { app, afterRequests } of options.kills) {
    if (afterRequests > log.requests.length)
      throw new Error(`${app} cannot be killed after ${afterRequests} of ${log.requests.length} requests`);
  }

  await ensureInstalled({ keepLock: false });
  await ensureBuilt();
  const sent = await onRealStack({ requests: log.requests, kills: options.kills, ...counting }, tenantIdOf);
  const { requests, logged, counted, lost } = sent;
  sayLeftOut(sent.refused);
  const leftOut = [...log.unreadable, ...sent.refused];

  mkdirSync(dirname(options.countsPath), { recursive: true });
  const text = counting.countsAsText(counted);
  writeFileSync(options.countsPath, text, 'latin1');
  console.log(`\nclient\tcounted requests of its key\n${text}`);
  const command = counting.comparison(options.logPath, options.countsPath, leftOut);
  console.log(`compared with the log's own counts:\n  ${command}`);
  const compared = spawnSync('sh', ['-c', command], { encoding: 'latin1' });
  console.log(`  ${(compared.stdout + compared.stderr).trimEnd().replaceAll('\n', '\n  ')}\n`);
  console.log(`answers by status: ${inOrder(sent.statuses)}`);
  console.log(
    `retried: ${sent.unavailable} answers 503, ${sent.unreached} refused connections, ${sum(lost)} lost answers`,
  );

  const differences = counting.differencesOf(logged, counted);
  // An answer that was lost on the way may have been counted, and so was its repetition.
  const wrong = differences.filter(
    (one) => one.counted < one.logged || one.counted > one.logged + (lost.get(one.client) ?? 0),
  );
  console.log(
    `${requests.length} requests of ${logged.size} clients, ${leftOut.length} lines left out: ` +
      `${sum(counted)} counted, ${differences.length} clients differ` +
      (differences.length > wrong.length
        ? `, ${differences.length - wrong.length} of them by lost answers alone`
        : ''),
  );
  if (wrong.length > 0 || (compared.status !== 0 && differences.length === 0)) process.exitCode = 1;
});

function readOptions(readKill) {
  try {
    const { values } = parseArgs({
      options: {
        log: { type: 'string' },
        kill: { type: 'string', multiple: true, default: [] },
        out: { type: 'string', default: relative('', join(root, '.stack', 'replay-counts.tsv')) },
      },
    });
    if (!values.log) throw new Error('--log is needed');
    const kills = values.kill.map(readKill);
    return { logPath: values.log, kills, countsPath: values.out };
  } catch (error) {
    throw new Error(`${error.message}\n\n${USAGE}`, { cause: error });
  }
}

function sayLeftOut(lines) {
  for (const { line, reason } of lines) console.warn(`line ${line} ${reason}: it is left out`);
}

async function onRealStack(traffic, tenantIdOf) {
  const { startStack } = await import('./stack/start-stack.mjs');
  const { prepareLatchkeyProcesses, APPS } = await importSource('libs/testing/src/latchkey-processes.ts');
  const stopSignal = new Promise((_, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM'])
      process.once(signal, () => reject(new Error(`ended by ${signal}`)));
  });
  stopSignal.catch(() => undefined);
  const startMs = performance.now();
  // Servers of its own, whatever the environment names: other services' keys and offsets would be in the way.
  const stack = await startStack({ given: {} });
  const directory = join(root, '.stack', 'runs', `${process.pid}-replay`);
  let latchkey;
  try {
    latchkey = await prepareLatchkeyProcesses(stack.env, directory, {
      environment: { LATCHKEY_LOG_LEVEL: 'warn' },
      checkout: root,
    });
    const work = async () => {
      // Readiness of some asks others: all start at once.
      await Promise.all(APPS.map((app) => latchkey.start(app)));
      console.log(`Kafka, Redis, PostgreSQL and the four services are up after ${secondsSince(startMs)}`);
      return replay(traffic, latchkey, tenantIdOf);
    };
    return await Promise.race([work(), stopSignal]);
  } finally {
    await latchkey?.stop();
    await stack.stop();
  }
}

async function replay({ requests, kills, countByClient }, latchkey, tenantIdOf) {
  const clients = [...countByClient(requests).keys()];
  const management = new Management(latchkey.managementUrl, latchkey.operatorToken);
  try {
    let startMs = performance.now();
    const keys = new Map();
    await forEachInFlight([...clients, LAST_CLIENT], SETUP_IN_FLIGHT, async (client) => {
      const tenantId = tenantIdOf(client);
      keys.set(client, { tenantId, ...(await management.makeKey(tenantId, client)) });
    });
    console.log(`made ${clients.length} tenants and keys in ${secondsSince(startMs)}`);

    startMs = performance.now();
    const restarts = [];
    const restart = async (app, answered) => {
      console.log(`kill -9 ${app} after ${answered} requests`);
      await latchkey.process(app).kill('SIGKILL');
      await latchkey.start(app);
    };
    const secrets = new Map([...keys].map(([client, { secret }]) => [client, secret]));
    const { apiUrl } = latchkey;
    const sent = await sendRequests(requests, {
      apiUrl,
      secrets,
      onAnswered(answered) {
        for (const { app, afterRequests } of kills) {
          if (afterRequests === answered) restarts.push(restart(app, answered));
        }
      },
    });
    await Promise.all(restarts);
    const seconds = (performance.now() - startMs) / 1000;
    console.log(
      `sent ${requests.length} requests in ${seconds.toFixed(1)} s, ${Math.round(requests.length / seconds)}/s`,
    );

    startMs = performance.now();
    await attempt(undefined, apiUrl, { method: 'GET', target: '/v1/whoami' }, secrets.get(LAST_CLIENT));
    const refused = new Set(sent.refused.map(({ line }) => line));
    const received = requests.filter(({ line }) => !refused.has(line));
    const logged = countByClient(received);
    await untilCounted(new Map([...logged, [LAST_CLIENT, 1]]), keys, management);
    console.log(`usage caught up in ${secondsSince(startMs)}`);
    return {
      ...sent,
      requests: received,
      logged,
      counted: await countsOf([...logged.keys()], keys, management),
    };
  } finally {
    management.close();
  }
}

/** Resolves when every client has at least its number of requests, or when the counts have stopped short of that. */
async function untilCounted(expected, keys, management) {
  let behind = [...expected.keys()];
  let lastProgressMs = Date.now();
  let lastSum = -1;
  while (behind.length > 0 && Date.now() - lastProgressMs < COUNTED_TIMEOUT_MS) {
    const counted = await countsOf(behind, keys, management);
    const total = sum(counted);
    const still = behind.filter((client) => counted.get(client) < expected.get(client));
    if (total !== lastSum || still.length < behind.length) lastProgressMs = Date.now();
    lastSum = total;
    behind = still;
    if (behind.length > 0) await delay(COUNTED_POLL_MS);
  }
  if (behind.length > 0) console.warn(`the counts of ${behind.length} clients have stopped short of the log`);
}

async function countsOf(clients, keys, management) {
  const counted = new Map();
  await forEachInFlight(clients, SETUP_IN_FLIGHT, async (client) => {
    const { tenantId, keyId } = keys.get(client);
    counted.set(client, await management.countedRequests(tenantId, keyId));
  });
  return counted;
}

function sum(numbers) {
  let total = 0;
  for (const number of numbers.values()) total += number;
  return total;
}

function inOrder(statuses) {
  return [...statuses]
    .sort(([a], [b]) => a - b)
    .map(([status, count]) => `${status} × ${count}`)
    .join(', ');
}
