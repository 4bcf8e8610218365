import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { chown, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { freePort } from './embedded-free-port.js';
import { postmasterStatus, superuserUrl } from './embedded-postmaster.js';
import { chooseLaunch, runProgram, type Launch } from './embedded-postgres-launch.js';

/** What to start. The caller keeps other processes off `directory` with a process lock: whatever still runs there is an orphan and is ended. */
export interface EmbeddedPostgresOptions {
  /** Made if absent; holds the data and the superuser's password. */
  readonly directory: string;
  /** A free one is chosen when none is given. */
  readonly port?: number;
  /** Server settings by name, on top of the ones below. */
  readonly settings?: Readonly<Record<string, string | number>>;
  /** Receives each line of the server's log. */
  readonly onLog?: (line: string) => void;
}

/** A running PostgreSQL on 127.0.0.1 that answers queries and ends with this process, however this process ends. */
export interface EmbeddedPostgres {
  /** The superuser's URL to the database `postgres`, password included. */
  readonly adminUrl: string;
  readonly port: number;
  readonly pid: number;
  /** Below `directory`, or below /var/lib/latchkey where root may not make user namespaces. */
  readonly dataDirectory: string;
  /** Resolves when the server has ended, for whatever reason. */
  readonly exited: Promise<void>;
  /** Ends open sessions, writes everything down, ends the server. */
  stop(): Promise<void>;
}

const SETTINGS = { max_connections: 200, shared_buffers: '128MB', timezone: 'UTC', log_timezone: 'UTC' };
const START_ATTEMPTS = 3;
const READY_TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 30_000;
const POLL_MS = 25;

/** Starts the PostgreSQL of the `embedded-postgres` package on `directory`; throws with the end of the server's log when it does not come up. */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  await mkdir(options.directory, { recursive: true, mode: 0o700 });
  const directory = realpathSync(options.directory);
  const launch = await chooseLaunch(directory);
  const dataDirectory = join(launch.home, 'data');
  const password = await superuserPassword(directory, dataDirectory);
  if (existsSync(dataDirectory)) await endOrphan(dataDirectory);
  else await initialise(launch, dataDirectory, password);
  for (let attempt = 1; ; attempt += 1) {
    const port = options.port ?? (await freePort());
    try {
      return await startServer(launch, dataDirectory, password, port, options);
    } catch (error) {
      // Between choosing a free port and binding it somebody else may take it.
      const taken = error instanceof Error && error.message.includes('Address already in use');
      if (!taken || options.port !== undefined || attempt === START_ATTEMPTS) throw error;
    }
  }
}

async function startServer(
  launch: Launch,
  dataDirectory: string,
  password: string,
  port: number,
  { settings, onLog }: EmbeddedPostgresOptions,
): Promise<EmbeddedPostgres> {
  const given = Object.entries({ ...SETTINGS, ...settings }).flatMap(([name, value]) => [
    '-c',
    `${name}=${value}`,
  ]);
  const server = runProgram(launch, launch.postgres, [
    '-D',
    dataDirectory,
    '-h',
    '127.0.0.1',
    '-k',
    '',
    '-p',
    String(port),
    ...given,
  ]);
  const lastLines: string[] = [];
  createInterface({ input: server.stderr! }).on('line', (line) => {
    lastLines.push(line);
    if (lastLines.length > 20) lastLines.shift();
    onLog?.(line);
  });
  let ended = false;
  // 'close' comes after the last line of the log, 'exit' may come before it.
  const exited = new Promise<void>((resolve) => {
    server.once('error', (error) => lastLines.push(error.message));
    server.once('close', () => {
      ended = true;
      resolve();
    });
  });
  const stop = async () => {
    if (!ended) server.kill('SIGINT');
    const waiting = new AbortController();
    const timeout = delay(STOP_TIMEOUT_MS, undefined, { signal: waiting.signal }).then(
      () => server.kill('SIGQUIT'),
      () => false,
    );
    await exited;
    waiting.abort();
    await timeout;
  };

  const adminUrl = superuserUrl(password, port);
  try {
    const deadline = Date.now() + READY_TIMEOUT_MS;
    while (!isReady(dataDirectory, server.pid)) {
      if (ended || Date.now() > deadline) throw new Error(`PostgreSQL on 127.0.0.1:${port} did not start`);
      await delay(POLL_MS);
    }
    await selectOne(adminUrl);
  } catch (error) {
    await stop();
    throw new Error([(error as Error).message, ...lastLines].join('\n'), { cause: error });
  }
  return { adminUrl, port, pid: server.pid!, dataDirectory, exited, stop };
}

async function superuserPassword(directory: string, dataDirectory: string): Promise<string> {
  const path = join(directory, 'superuser-password');
  // A start that was cut short while it wrote the file left it empty.
  const found = existsSync(path) ? readFileSync(path, 'utf8').trim() : '';
  if (found !== '') return found;
  if (existsSync(dataDirectory))
    throw new Error(`${path} is missing: without it nobody can log in to ${dataDirectory}`);
  const password = randomBytes(24).toString('hex');
  await writeFile(path, `${password}\n`, { mode: 0o600 });
  return password;
}

/** The directory gets its name when it is complete, so a start that is cut short is begun anew by the next. */
async function initialise(launch: Launch, dataDirectory: string, password: string): Promise<void> {
  const unfinished = `${dataDirectory}.unfinished`;
  const passwordFile = join(launch.home, 'initdb-password');
  await rm(unfinished, { recursive: true, force: true });
  await rm(passwordFile, { force: true });
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (launch.account) await chown(passwordFile, launch.account.uid, launch.account.gid);
  const locale = ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
  const login = ['--username=postgres', `--pwfile=${passwordFile}`, '--auth=scram-sha-256'];
  const initdb = runProgram(launch, launch.initdb, ['-D', unfinished, ...locale, ...login]);
  let output = '';
  initdb.stderr!.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const [code] = (await once(initdb, 'close')) as [number | null];
  await rm(passwordFile);
  if (code !== 0) throw new Error(`initdb failed:\n${output}`);
  await rename(unfinished, dataDirectory);
}

/** Waits until nothing runs on the data any more: two servers on one data directory would destroy it. */
async function endOrphan(dataDirectory: string): Promise<void> {
  const start = Date.now();
  const signals: [NodeJS.Signals, number][] = [
    ['SIGINT', 0],
    ['SIGQUIT', STOP_TIMEOUT_MS],
  ];
  for (;;) {
    const running = processesOf(dataDirectory);
    if (running.length === 0) break;
    const waitedMs = Date.now() - start;
    const postmaster = postmasterStatus(dataDirectory).pid;
    if (waitedMs > 2 * STOP_TIMEOUT_MS)
      throw new Error(`${dataDirectory} is still used by process ${running.join(', ')}`);
    if (running.includes(postmaster) && waitedMs >= (signals[0]?.[1] ?? Infinity)) {
      process.kill(postmaster, signals.shift()![0]);
    }
    await delay(POLL_MS);
  }
  // PostgreSQL would take any living process with the number in postmaster.pid for a server, also one that got it since.
  const { pid } = postmasterStatus(dataDirectory);
  const program = linkTarget(`/proc/${pid}/exe`);
  if (program !== null && !basename(program).startsWith('postgres'))
    await rm(join(dataDirectory, 'postmaster.pid'));
}

/** A server and its children have the data directory as their working directory. */
function processesOf(dataDirectory: string): number[] {
  if (process.platform === 'linux') {
    const real = realpathSync(dataDirectory);
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name) && linkTarget(`/proc/${name}/cwd`) === real)
      .filter((name) => basename(linkTarget(`/proc/${name}/exe`) ?? '').startsWith('postgres'))
      .map(Number);
  }
  const { pid } = postmasterStatus(dataDirectory);
  const command =
    pid === 0 ? '' : spawnSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }).stdout;
  return command.includes(dataDirectory) ? [pid] : [];
}

function linkTarget(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}

function isReady(dataDirectory: string, pid: number | undefined): boolean {
  const found = postmasterStatus(dataDirectory);
  return found.pid === pid && found.status === 'ready';
}

async function selectOne(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  try {
    await client.connect();
    await client.query('select 1');
  } finally {
    await client.end();
  }
}
