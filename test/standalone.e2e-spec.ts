import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { checkCounts } from '#libs/testing/count-check';
import { eventually } from '#libs/testing/eventually';
import { freePort } from '#libs/testing/free-port';
import { LatchkeyClient } from '#libs/testing/latchkey-client';
import type { Latchkey } from '#libs/testing/latchkey-processes';
import { type SpawnedProcess, spawnService } from '#libs/testing/spawn-service';

const PORTS = [
  'LATCHKEY_API_PORT',
  'LATCHKEY_MANAGEMENT_PORT',
  'LATCHKEY_USAGE_PORT',
  'LATCHKEY_VERIFIER_PORT',
  'LATCHKEY_VERIFIER_GRPC_PORT',
  'LATCHKEY_MANAGEMENT_GRPC_PORT',
  'LATCHKEY_USAGE_GRPC_PORT',
] as const;

// mkdtemp makes directories of mode 700: as root no other user can enter, as PostgreSQL's own user could not.
const sandbox = mkdtempSync(join(tmpdir(), 'latchkey-standalone-'));
const started: SpawnedProcess[] = [];

async function freePorts(): Promise<Record<(typeof PORTS)[number], string>> {
  const ports: Partial<Record<(typeof PORTS)[number], string>> = {};
  for (const name of PORTS) ports[name] = String(await freePort());
  return ports as Record<(typeof PORTS)[number], string>;
}

function start(env: Record<string, string>): SpawnedProcess {
  const latchkey = spawnService('standalone', env);
  started.push(latchkey);
  return latchkey;
}

async function startReady(env: Record<string, string>): Promise<SpawnedProcess> {
  const latchkey = start(env);
  await latchkey.untilLine(/Stop with Ctrl-C/, 60_000);
  return latchkey;
}

/** The commands of a greeting, as a user copies them, in their order. */
function commandsOf({ stdout }: SpawnedProcess): string[] {
  const text = stdout.map((line) => line.trim()).join('\n');
  return text.replaceAll('\\\n', '').match(/^(curl|node|\().*$/gm) ?? [];
}

/** Runs a command as a shell does for a user in the checkout; rejects where it does not exit 0. */
async function paste(command: string) {
  const { stdout, stderr } = await promisify(execFile)('sh', ['-c', command]);
  expect(stderr).toBe('');
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever came
  return stdout.trim() === '' ? undefined : (JSON.parse(stdout) as any);
}

/** The three commands that every greeting ends with; resolves to how many requests with the demo key that took. */
async function pasteTheThree(latchkey: SpawnedProcess): Promise<number> {
  const [whoami, verify, keys] = commandsOf(latchkey).slice(-3) as [string, string, string];
  const { keyId } = await paste(whoami);
  expect(await paste(verify)).toMatchObject({ verdict: 'VERDICT_VALID', keyId, tenantId: 'demo' });
  let requests = 2;
  await eventually(async () => {
    requests += 1;
    const { data } = await paste(keys);
    const [key] = data.filter(({ id }: { id: string }) => id === keyId);
    expect(key.insights.requests30d).toBeGreaterThan(0);
  });
  return requests;
}

const lockOf = (directory: string) => join(directory, 'lock');
const postmasterOf = (directory: string) => join(directory, 'postgres', 'data', 'postmaster.pid');
const postgresPidOf = (directory: string) =>
  Number(readFileSync(postmasterOf(directory), 'utf8').split('\n')[0]);

/** Field `state` of PostgreSQL's control file; 1 is "shut down". */
const databaseStateOf = (directory: string) =>
  readFileSync(join(directory, 'postgres', 'data', 'global', 'pg_control')).readUInt32LE(16);

async function untilGone(pid: number): Promise<void> {
  await eventually(() => expect(() => process.kill(pid, 0)).toThrow('ESRCH'));
}

/** PostgreSQL has ended in order, nothing runs on the data and nothing says that something did. */
function expectStopped(directory: string): void {
  expect(existsSync(lockOf(directory))).toBe(false);
  expect(existsSync(postmasterOf(directory))).toBe(false);
  expect(databaseStateOf(directory)).toBe(1);
}

/** Sends the signal twice, as a terminal and npm together do, and waits for the end. */
function endWith(signal: NodeJS.Signals, latchkey: SpawnedProcess) {
  process.kill(latchkey.pid, signal);
  return latchkey.kill(signal);
}

afterAll(async () => {
  await Promise.all(started.map((latchkey) => latchkey.kill('SIGTERM')));
  rmSync(sandbox, { recursive: true });
}, 30_000);

describe('the standalone process, from its first run on', () => {
  const directory = join(sandbox, `it's "my" $data`);
  let env: Record<string, string>;
  let latchkey: SpawnedProcess;
  let client: LatchkeyClient;
  /** With the demo key of the first run, so far. */
  let demoRequests = 0;

  beforeAll(async () => {
    env = { ...(await freePorts()), LATCHKEY_DATA_DIR: directory };
    latchkey = await startReady(env);
    client = new LatchkeyClient(placesOf(env, directory));
  }, 90_000);
  afterAll(() => client?.close());

  it('keeps its secrets in files that only their owner can read, in a directory that only they can enter', () => {
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    for (const name of ['operator-token', 'service-token', 'demo-key']) {
      expect(statSync(join(directory, name)).mode & 0o777).toBe(0o600);
    }
    const others = readdirSync(directory, { withFileTypes: true }).filter(
      (entry) => (statSync(join(directory, entry.name)).mode & 0o077) !== 0,
    );
    expect(others).toEqual([]);
  });

  it('greets with three commands that work as they are printed, whatever the name of the data directory', async () => {
    expect(commandsOf(latchkey)).toHaveLength(3);
    demoRequests += await pasteTheThree(latchkey);
  });

  it('verifies by script with an exit code that tells another verdict from none', async () => {
    const verify = commandsOf(latchkey)[1] as string;
    const withToken = (file: string) =>
      verify.replace(/--token-file .* --key-file/, `--token-file ${file} --key-file`);
    demoRequests += 1;
    await expect(paste(`${verify} --scope nobody:has`)).rejects.toMatchObject({
      code: 1,
      stdout: expect.stringContaining('VERDICT_INSUFFICIENT_SCOPE'),
    });
    await expect(paste(withToken('/dev/null'))).rejects.toMatchObject({ code: 2, stdout: '' });
    await expect(paste(withToken(process.execPath))).rejects.toMatchObject({
      code: 2,
      stderr: `${process.execPath} holds no token: it has characters that no token has\n`,
    });
  });

  it('refuses a second instance on the same data with the pid of the first, and does not disturb that', async () => {
    const second = start({ ...(await freePorts()), LATCHKEY_DATA_DIR: directory });
    expect(await second.exited).toEqual({ code: 1, signal: null });
    expect(second.stdout).toEqual([]);
    expect(second.stderr.join('\n')).toMatch(new RegExp(`already runs .* as process ${latchkey.pid}\\b`));
    demoRequests += await pasteTheThree(latchkey);
  });

  it('names the variable of every taken port, gRPC too, and leaves nothing behind', async () => {
    const other = join(sandbox, 'other');
    const second = start({ ...env, LATCHKEY_DATA_DIR: other });
    expect(await second.exited).toEqual({ code: 1, signal: null });
    expect(second.stdout).toEqual([]);
    const refusals = second.stderr.filter((line) => line.includes('is taken'));
    expect(refusals.map((line) => /LATCHKEY_\w+/.exec(line)?.[0])).toEqual([...PORTS]);
    expect(second.stderr).toHaveLength(refusals.length + 1);
    expect(readdirSync(other)).toEqual([]);
  });

  it('ends with 0 on SIGTERM, once and in order, has said nothing but its greeting, and comes up again', async () => {
    expect(await endWith('SIGTERM', latchkey)).toEqual({ code: 0, signal: null });
    expectStopped(directory);
    expect(latchkey.stderr).toEqual([]);
    expect(latchkey.stdout.slice(0, 2)).toEqual(['', 'Latchkey is ready.']);
    expect(latchkey.stdout.at(-1)).toBe('Stop with Ctrl-C.');
    latchkey = await startReady(env);
  }, 60_000);

  it('says on a later run that the demo secret was shown once; its command makes another key, and no count is lost', async () => {
    expect(latchkey.stdout.join('\n')).toMatch(/secret was shown once/);
    expect(commandsOf(latchkey)).toHaveLength(4);
    const { secret } = await paste(commandsOf(latchkey)[0] as string);
    expect(await client.verdict(secret)).toBe('VALID');
    demoRequests += await pasteTheThree(latchkey);
    const { body } = await client.manage('GET', '/v1/tenants/demo/keys');
    const demo = body.data.find(({ name }: { name: string }) => name === 'demo');
    await eventually(async () => {
      const usage = await client.manage('GET', `/v1/tenants/demo/keys/${demo.id}/usage`);
      expect(usage.body.requests30d).toBe(demoRequests);
    });
  }, 30_000);

  it('has counted every answered request once after kill -9 under load, and starts again without the removed demo key', async () => {
    const { body } = await client.manage('POST', '/v1/tenants/demo/keys', {
      name: 'load',
      environment: 'live',
      scopes: [],
    });
    const keyId: string = body.key.id;
    const [sent, answered]: [string[], string[]] = [[], []];
    const requests = [
      async () => (await client.verdict(body.secret)) === 'VALID',
      async () => (await client.api('GET', '/v1/whoami', body.secret)).status === 200,
    ];
    const load = Array.from({ length: 16 }, async (_, i) => {
      while (latchkey.end === null) {
        sent.push(keyId);
        if (await requests[i % 2]!().catch(() => false)) answered.push(keyId);
      }
    });
    await eventually(() => expect(answered.length).toBeGreaterThan(500), { timeoutMs: 20_000 });
    const postgres = postgresPidOf(directory);
    await latchkey.kill('SIGKILL');
    await Promise.all(load);
    rmSync(join(directory, 'demo-key'));
    latchkey = await startReady(env);
    await untilGone(postgres);
    const problems = async () => {
      const usage = await client.manage('GET', `/v1/tenants/demo/keys/${keyId}/usage`);
      return checkCounts({ answered, received: sent, counted: [[keyId, usage.body.requests30d]] });
    };
    await eventually(async () => expect(await problems()).toEqual([]), { timeoutMs: 20_000 });

    expect(latchkey.stdout.join('\n')).toMatch(/secret was shown once/);
    await paste(commandsOf(latchkey)[0] as string);
    expect(statSync(join(directory, 'demo-key')).mode & 0o777).toBe(0o600);
    await pasteTheThree(latchkey);
    // Nothing that was spooled is replayed a second time meanwhile.
    expect(await problems()).toEqual([]);
  }, 90_000);

  it('says so and ends with 1 when its PostgreSQL is killed, and starts again on its data', async () => {
    process.kill(postgresPidOf(directory), 'SIGKILL');
    expect(await latchkey.exited).toEqual({ code: 1, signal: null });
    expect(latchkey.stderr.join('\n')).toMatch(/embedded PostgreSQL has ended/);
    latchkey = await startReady(env);
    await pasteTheThree(latchkey);
  }, 60_000);

  it('ends with 0 on SIGINT too', async () => {
    expect(await endWith('SIGINT', latchkey)).toEqual({ code: 0, signal: null });
    expectStopped(directory);
    expect(latchkey.stdout.at(-1)).toBe('Stop with Ctrl-C.');
  });
});

describe('the very first run', () => {
  let directory: string;
  let env: Record<string, string>;
  beforeAll(async () => {
    const ports = await freePorts();
    directory = join(sandbox, 'first');
    env = { ...ports, LATCHKEY_DATA_DIR: directory };
  });
  afterEach(() => {
    for (const latchkey of started) if (latchkey.end === null) process.kill(latchkey.pid, 'SIGKILL');
  });

  /** Looks at every turn of the event loop: some of these moments are short. */
  async function untilExists(...path: string[]): Promise<void> {
    while (!existsSync(join(directory, ...path))) await turn();
  }

  it('tells every mistake of the configuration, ends with 78 and has made nothing', async () => {
    const latchkey = start({
      ...env,
      LATCHKEY_API_PORT: 'eighty',
      LATCHKEY_LOG_LEVEL: 'loud',
      LATCHKEY_PROFILES: 'nobody',
    });
    expect(await latchkey.exited).toEqual({ code: 78, signal: null });
    for (const variable of ['LATCHKEY_API_PORT', 'LATCHKEY_LOG_LEVEL', 'LATCHKEY_PROFILES']) {
      expect(latchkey.stderr.join('\n')).toContain(`  - ${variable} `);
    }
    expect(latchkey.stdout).toEqual([]);
    expect(existsSync(directory)).toBe(false);
  });

  it('ends with 0 on SIGTERM in the middle and leaves nothing running', async () => {
    const latchkey = start(env);
    await untilExists('postgres', 'data.unfinished', 'PG_VERSION');
    expect(await latchkey.kill('SIGTERM')).toEqual({ code: 0, signal: null });
    expect([...latchkey.stdout, ...latchkey.stderr]).toEqual([]);
    expectStopped(directory);
    rmSync(directory, { recursive: true });
  }, 30_000);

  it('may be cut short by kill -9 at any moment: the next start comes up, with a demo key that works', async () => {
    const moments = [
      ['lock'],
      ['postgres', 'data.unfinished', 'PG_VERSION'],
      ['postgres', 'data', 'postmaster.pid'],
      ['operator-token'],
      ['spool', 'auth-verifier'],
      ['demo-key.unfinished'],
    ];
    for (const moment of moments) {
      const latchkey = start(env);
      await untilExists(...moment);
      await latchkey.kill('SIGKILL');
      expect(existsSync(join(directory, 'demo-key'))).toBe(false);
    }
    const latchkey = await startReady(env);
    expect(latchkey.stdout.join('\n')).toMatch(/A demo tenant and key were made/);
    await pasteTheThree(latchkey);
    expect(existsSync(join(directory, 'demo-key.unfinished'))).toBe(false);
  }, 120_000);
});

function placesOf(env: Record<string, string>, directory: string): Latchkey {
  const http = (name: string) => `http://127.0.0.1:${env[`LATCHKEY_${name}_PORT`]}`;
  const grpc = (name: string) => `127.0.0.1:${env[`LATCHKEY_${name}_GRPC_PORT`]}`;
  const secret = (name: string) => readFileSync(join(directory, name), 'utf8').trim();
  return {
    apiUrl: http('API'),
    managementUrl: http('MANAGEMENT'),
    usageUrl: http('USAGE'),
    verifierUrl: http('VERIFIER'),
    addresses: { verifier: grpc('VERIFIER'), management: grpc('MANAGEMENT'), usage: grpc('USAGE') },
    operatorToken: secret('operator-token'),
    serviceToken: secret('service-token'),
  };
}
