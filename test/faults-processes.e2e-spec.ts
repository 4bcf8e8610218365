import { randomUUID } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { newDefaultSecret } from '#libs/testing/default-secret';
import { LatchkeyClient } from '#libs/testing/latchkey-client';
import { APPS, type LatchkeyProcesses, startLatchkeyProcesses } from '#libs/testing/latchkey-processes';
import { type PrivateStack, startPrivateStack } from '#libs/testing/private-stack';
import { Accounts } from './faults/accounts.js';
import { startCommitCuttingProxy } from './faults/commit-cutting-proxy.js';
import { readinessOf, runUnderLoad } from './faults/run-under-load.js';

jest.setTimeout(150_000);

describe('services that end in the middle of their work', () => {
  let stack: PrivateStack;
  let latchkey: LatchkeyProcesses;
  let client: LatchkeyClient;
  let accounts: Accounts;

  beforeAll(async () => {
    stack = await startPrivateStack(['kafka', 'redis', 'postgres']);
    latchkey = await startLatchkeyProcesses(stack.env);
    client = new LatchkeyClient(latchkey);
    accounts = new Accounts(latchkey, stack.env['KAFKA_BROKERS'] as string);
  });

  afterAll(async () => {
    client?.close();
    try {
      await latchkey?.stop();
    } finally {
      await stack?.stop();
    }
  });

  it('lose nothing and count nothing twice while one after the other is asked to end, which it does with 0, and is killed', async () => {
    await runUnderLoad({ latchkey, client, accounts }, async (load) => {
      for (const app of APPS) {
        expect([app, await latchkey.process(app).kill('SIGTERM')]).toEqual([app, { code: 0, signal: null }]);
        await latchkey.start(app);
        await load.goesOn('verifier', 'api', 'commands');
        await latchkey.process(app).kill('SIGKILL');
        await latchkey.start(app);
        await load.goesOn('verifier', 'api', 'commands');
      }
    });
  });

  it('keep their verdicts without key-management, as long as the view is complete', async () => {
    const { unanswered } = await runUnderLoad({ latchkey, client, accounts }, async (load) => {
      await latchkey.process('key-management').kill('SIGKILL');
      await load.goesOn('verifier', 'api');
      expect(await readinessOf(latchkey, 'auth-verifier')).toEqual({ status: 200, down: [] });
      await expect(client.verdict(newDefaultSecret())).rejects.toMatchObject({
        code: status.UNAVAILABLE,
      });
      await latchkey.start('key-management');
    });
    expect(unanswered).toBe(0);
  });

  it('verify at one auth-verifier while another hangs, and at that one when it goes on', async () => {
    const { grpcAddress } = await latchkey.start('auth-verifier', { instance: 'second-verifier' });
    const addresses = { ...latchkey.addresses, verifier: grpcAddress };
    const secondClient = new LatchkeyClient({ ...latchkey, addresses });
    try {
      latchkey.process('auth-verifier').signal('SIGSTOP');
      const tenantId = `hang-${randomUUID().slice(0, 8)}`;
      await client.manage('PUT', `/v1/tenants/${tenantId}`, {});
      const wish = { name: 'k', environment: 'live', scopes: [] };
      const { secret } = (await client.manage('POST', `/v1/tenants/${tenantId}/keys`, wish)).body;
      expect(await secondClient.verdict(secret)).toBe('VALID');
      latchkey.process('auth-verifier').signal('SIGCONT');
      expect(await client.verdict(secret)).toBe('VALID');
      const ended = await latchkey.process('second-verifier').kill('SIGTERM');
      expect(ended).toEqual({ code: 0, signal: null });
    } finally {
      secondClient.close();
    }
  });

  it('answer a command that was committed before key-management died with the same key, once and without its secret', async () => {
    const databaseUrl = new URL(latchkey.environments['key-management']['DATABASE_URL'] as string);
    const proxy = await startCommitCuttingProxy(Number(databaseUrl.port));
    try {
      databaseUrl.port = String(proxy.port);
      await latchkey.process('key-management').kill('SIGTERM');
      await latchkey.start('key-management', { environment: { DATABASE_URL: databaseUrl.href } });
      const tenantId = `cut-${randomUUID().slice(0, 8)}`;
      const keysPath = `/v1/tenants/${tenantId}/keys`;
      await client.manage('PUT', `/v1/tenants/${tenantId}`, {});
      const create = () =>
        client.manage(
          'POST',
          keysPath,
          { name: 'once', environment: 'live', scopes: [] },
          { 'idempotency-key': 'create-once' },
        );

      const committed = proxy.keepBackCommitOf('insert into keys.events');
      const broken = create().then(
        () => 'answered',
        () => 'broken off',
      );
      await committed;
      await latchkey.process('key-management').kill('SIGKILL');
      expect(await broken).toBe('broken off');
      await latchkey.start('key-management');

      const answer = await create();
      expect([answer.status, answer.body.secret]).toEqual([201, null]);
      const { body } = await client.manage('GET', keysPath);
      expect(body.data.map(({ id }: { id: string }) => id)).toEqual([answer.body.key.id]);
      const stored = await accounts.storedEvents([answer.body.key.id]);
      expect([...stored.values()]).toEqual([['KeyCreated']]);
    } finally {
      proxy.close();
    }
  });
});
