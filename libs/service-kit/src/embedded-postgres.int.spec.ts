import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { Client } from 'pg';
import { startEmbeddedPostgres, type EmbeddedPostgres } from './embedded-postgres.js';

// mkdtemp makes directories of mode 700, which as root no other user can enter: every test here runs below one.
const sandbox = mkdtempSync(join(tmpdir(), 'latchkey-postgres-'));
const running: EmbeddedPostgres[] = [];
const children: ChildProcess[] = [];
let directoryNumber = 0;
const freshDirectory = () => join(sandbox, String(++directoryNumber));

async function start(directory: string, port?: number): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres({ directory, ...(port === undefined ? {} : { port }) });
  running.push(server);
  return server;
}

async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

/** Another Node process that starts the server; `missing` are system programs that refuse to work in it. */
async function startElsewhere(
  directory: string,
  missing: string[] = [],
): Promise<{ child: ChildProcess; started: EmbeddedPostgres }> {
  const shims = join(sandbox, `shims-${missing.join('-')}`);
  mkdirSync(shims, { recursive: true });
  for (const program of missing) {
    writeFileSync(join(shims, program), '#!/bin/sh\nexit 1\n');
    chmodSync(join(shims, program), 0o755);
  }
  const script = `
    import { importSource } from ${JSON.stringify(resolve('scripts', 'import-source.mjs'))};
    const { startEmbeddedPostgres } = await importSource('libs/service-kit/src/embedded-postgres.ts');
    const server = await startEmbeddedPostgres({ directory: ${JSON.stringify(directory)} });
    console.log(JSON.stringify(server));
    process.on('SIGTERM', () => server.stop().then(() => process.exit(0)));`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, PATH: `${shims}:${process.env['PATH']}` },
  });
  children.push(child);
  const [line] = (await once(createInterface({ input: child.stdout! }), 'line')) as [string];
  return { child, started: JSON.parse(line) as EmbeddedPostgres };
}

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill(signal);
  await once(child, 'exit');
}

afterEach(async () => {
  await Promise.all(children.splice(0).map((child) => ended(child, 'SIGTERM')));
  await Promise.all(running.splice(0).map((server) => server.stop()));
});
afterAll(() => rmSync(sandbox, { recursive: true }));

describe('embedded PostgreSQL', () => {
  it('answers queries, wants the password, and keeps that password in a file for its owner alone', async () => {
    const directory = freshDirectory();
    const server = await start(directory);
    const settings = await query(
      server.adminUrl,
      `select name, setting from pg_settings where name in ('max_connections', 'fsync', 'listen_addresses', 'unix_socket_directories')`,
    );
    expect(Object.fromEntries(settings.map(({ name, setting }) => [name, setting]))).toEqual({
      fsync: 'on',
      listen_addresses: '127.0.0.1',
      max_connections: '200',
      unix_socket_directories: '',
    });
    const withoutPassword = new URL(server.adminUrl);
    withoutPassword.password = 'wrong';
    await expect(query(withoutPassword.href, 'select 1')).rejects.toMatchObject({ code: '28P01' });
    expect(statSync(join(directory, 'superuser-password')).mode & 0o777).toBe(0o600);
  }, 60_000);

  it('keeps its data over a stop and a start', async () => {
    const directory = freshDirectory();
    const first = await start(directory);
    await query(first.adminUrl, 'create table kept as select 42 as answer');
    await first.stop();
    const second = await start(directory);
    expect(await query(second.adminUrl, 'select answer from kept')).toEqual([{ answer: 42 }]);
  }, 60_000);

  it('starts again on its data after kill -9 of the process that started it', async () => {
    const directory = freshDirectory();
    const { child, started } = await startElsewhere(directory);
    await query(started.adminUrl, 'create table kept as select 42 as answer');
    await ended(child, 'SIGKILL');
    const second = await start(directory);
    expect(await query(second.adminUrl, 'select answer from kept')).toEqual([{ answer: 42 }]);
  }, 60_000);

  it('ends a server that was left behind where no parent-death signal exists, and starts again on its data', async () => {
    const directory = freshDirectory();
    const { child, started } = await startElsewhere(directory, ['setpriv']);
    await query(started.adminUrl, 'create table kept as select 42 as answer');
    await ended(child, 'SIGKILL');
    expect(await query(started.adminUrl, 'select answer from kept')).toEqual([{ answer: 42 }]);
    const second = await start(directory);
    expect(second.pid).not.toBe(started.pid);
    expect(await query(second.adminUrl, 'select answer from kept')).toEqual([{ answer: 42 }]);
    await expect(query(started.adminUrl, 'select 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  }, 60_000);

  it('starts although another process has got the number in postmaster.pid since', async () => {
    const directory = freshDirectory();
    const first = await start(directory);
    await first.stop();
    writeFileSync(
      join(first.dataDirectory, 'postmaster.pid'),
      `${process.pid}\n${first.dataDirectory}\n1\n1\n\n\n0 0\n`,
    );
    const second = await start(directory);
    expect(await query(second.adminUrl, 'select 1 as one')).toEqual([{ one: 1 }]);
  }, 60_000);

  it('begins anew when the very first start was cut short', async () => {
    const directory = freshDirectory();
    mkdirSync(join(directory, 'data.unfinished', 'base'), { recursive: true });
    const server = await start(directory);
    expect(await query(server.adminUrl, 'select 1 as one')).toEqual([{ one: 1 }]);
    expect(existsSync(join(directory, 'data.unfinished'))).toBe(false);
  }, 60_000);

  it('says which port is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    await expect(start(freshDirectory(), port)).rejects.toThrow(
      new RegExp(`127\\.0\\.0\\.1:${port} did not start[^]*Address already in use`),
    );
    other.close();
  }, 60_000);
});

const describeAsRoot = process.getuid?.() === 0 ? describe : describe.skip;
describeAsRoot('embedded PostgreSQL as root where user namespaces are refused', () => {
  it('runs as an unprivileged user below /var/lib/latchkey and keeps its data there', async () => {
    const directory = freshDirectory();
    const { child, started } = await startElsewhere(directory, ['unshare']);
    const home = dirname(started.dataDirectory);
    try {
      expect(home).toMatch(/^\/var\/lib\/latchkey\/[0-9a-f]{16}$/);
      expect(realpathSync(join(directory, 'data'))).toBe(started.dataDirectory);
      expect(statSync(`/proc/${started.pid}`).uid).not.toBe(0);
      await query(started.adminUrl, 'create table kept as select 42 as answer');
      await ended(child, 'SIGKILL');
      const again = await startElsewhere(directory, ['unshare']);
      expect(await query(again.started.adminUrl, 'select answer from kept')).toEqual([{ answer: 42 }]);
      await ended(again.child, 'SIGTERM');
    } finally {
      await ended(child, 'SIGTERM');
      rmSync(home, { recursive: true });
    }
  }, 60_000);
});
