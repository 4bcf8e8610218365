import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '#libs/testing/eventually';
import { LatchkeyClient } from '#libs/testing/latchkey-client';
import { type LatchkeyStandalone, startLatchkeyStandalone } from '#libs/testing/latchkey-standalone';
import { spawnNode } from '#libs/testing/spawn-service';

const sandbox = mkdtempSync(join(tmpdir(), 'latchkey-backup-'));

/** As `npm run` does it, called in `sandbox`. */
async function run(script: string, args: string[], env: Readonly<Record<string, string>>) {
  const command = spawnNode([`scripts/${script}.mjs`, ...args], { ...env, INIT_CWD: sandbox });
  const { code } = await command.exited;
  return { code, stdout: command.stdout.join('\n'), stderr: command.stderr.join('\n') };
}

describe('npm run backup and npm run restore on the data of npm start', () => {
  let latchkey: LatchkeyStandalone;
  let client: LatchkeyClient;
  let kept: { id: string; secret: string };
  let lost: { id: string; secret: string };
  const create = async (name: string, idempotencyKey: string) => {
    const headers = { 'idempotency-key': idempotencyKey };
    const { status, body } = await client.manage(
      'POST',
      '/v1/tenants/acme/keys',
      { name, environment: 'live', scopes: ['read'] },
      headers,
    );
    expect(status).toBe(201);
    return { id: body.key.id as string, secret: body.secret as string };
  };
  const requestsOf = async (id: string) =>
    (await client.manage('GET', `/v1/tenants/acme/keys/${id}/usage`)).body.requests30d as number;
  const untilCounted = (id: string, requests: number) =>
    eventually(async () => expect(await requestsOf(id)).toBe(requests), { timeoutMs: 20_000 });
  const postgres = () => join(latchkey.directory, 'postgres');

  beforeAll(async () => {
    latchkey = await startLatchkeyStandalone();
    client = new LatchkeyClient(latchkey);
    expect((await client.manage('PUT', '/v1/tenants/acme', { name: 'Acme' })).status).toBe(201);
    kept = await create('kept', 'once-for-kept');
    for (let i = 0; i < 3; i += 1) expect(await client.verdict(kept.secret)).toBe('VALID');
    await untilCounted(kept.id, 3);
  }, 120_000);
  afterAll(async () => {
    client?.close();
    await latchkey?.stop();
    rmSync(sandbox, { recursive: true });
  }, 60_000);

  it('backs up while it runs, into a directory relative to where the user is', async () => {
    const { code, stdout, stderr } = await run('backup', ['--out', 'running'], latchkey.env);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout).toMatch(/backed up \d+ rows of \d+ tables, as of .*Z, to /);
    expect(readdirSync(join(sandbox, 'running'))).toContain('manifest.json');
    expect(await client.verdict(kept.secret)).toBe('VALID');
    lost = await create('lost', 'once-for-lost');
    const revoked = await client.manage('POST', `/v1/tenants/acme/keys/${kept.id}/revoke`, {
      reason: 'late',
    });
    expect(revoked.status).toBe(200);
  }, 60_000);

  it('restores nothing while it runs, and says which process to end', async () => {
    const { pid } = latchkey.process();
    const { code, stderr } = await run('restore', ['--in', 'running'], latchkey.env);
    expect(code).toBe(1);
    expect(stderr).toContain(`as process ${pid}: end it with "kill ${pid}", then restore again`);
  }, 60_000);

  it('restores nothing into data that is there, and backs it up while it is stopped', async () => {
    await latchkey.process().kill('SIGTERM');
    const { code, stderr } = await run('restore', ['--in', 'running'], latchkey.env);
    expect(code).toBe(1);
    expect(stderr).toMatch(/is not empty, .* has rows: move .*postgres away and restore again/);
    const stopped = await run('backup', ['--out=stopped'], latchkey.env);
    expect(stopped).toMatchObject({ code: 0, stderr: '' });
    expect(existsSync(join(latchkey.directory, 'lock'))).toBe(false);
  }, 120_000);

  it('brings back, where everything was lost, what was there when the backup was taken', async () => {
    rmSync(postgres(), { recursive: true });
    const { code, stdout, stderr } = await run('restore', ['--in', 'running'], latchkey.env);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout).toContain('Now: npm start');
    await latchkey.restart();

    await untilCounted(kept.id, 3);
    expect(await client.verdict(kept.secret)).toBe('VALID');
    expect(await client.verdict(lost.secret)).toBe('NOT_FOUND');
    await untilCounted(kept.id, 4);
    const headers = { 'idempotency-key': 'once-for-kept' };
    const body = { name: 'kept', environment: 'live', scopes: ['read'] };
    const repeated = await client.manage('POST', '/v1/tenants/acme/keys', body, headers);
    expect(repeated.body).toMatchObject({ key: { id: kept.id }, secret: null });
    const made = await create('lost', 'once-for-lost');
    expect(made.id).not.toBe(lost.id);
    expect(await client.verdict(made.secret)).toBe('VALID');
  }, 120_000);
});

describe('the commands say in one sentence what to do', () => {
  it.each([
    ['backup', [], {}, 'name a directory: npm run backup -- --out DIR', 1],
    ['restore', ['--in', 'nowhere'], {}, 'is no complete backup', 1],
    ['backup', ['--out', 'x'], { LATCHKEY_DATA_DIR: '/nowhere' }, 'DATABASE_ADMIN_URL is not set', 78],
    ['backup', ['--out', 'x'], { DATABASE_ADMIN_URL: 'redis://x' }, 'DATABASE_ADMIN_URL is not a URL', 78],
    ['fence-epoch', [], { DATABASE_ADMIN_URL: 'postgres://x@127.0.0.1:1/x' }, 'check that it runs', 1],
  ])('%s %j with %j', async (script, args, env, sentence, code) => {
    const ended = await run(script, args, env as Record<string, string>);
    expect(ended.stderr).toContain(sentence);
    expect(ended.stderr).not.toMatch(/\n\s+at /);
    expect(ended.code).toBe(code);
  });
});
