import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { eventually } from '#libs/testing/eventually';
import { LatchkeyClient } from '#libs/testing/latchkey-client';
import { type LatchkeyProcesses, startLatchkeyProcesses } from '#libs/testing/latchkey-processes';
import { type PrivateStack, startPrivateStack } from '#libs/testing/private-stack';

jest.setTimeout(120_000);

/** The one service besides key-management: nothing else verifies. */
describe('an api that verifies in its own process, on real servers', () => {
  let stack: PrivateStack;
  let latchkey: LatchkeyProcesses;
  let client: LatchkeyClient;
  beforeAll(async () => {
    stack = await startPrivateStack(['kafka', 'redis', 'postgres']);
    latchkey = await startLatchkeyProcesses(stack.env, { apps: ['key-management'] });
    client = new LatchkeyClient(latchkey);
    await client.manage('PUT', '/v1/tenants/acme', {});
    const canary = await createKey(['keys:manage']);
    await latchkey.start('api', {
      environment: {
        LATCHKEY_VERIFIER_MODE: 'in-process',
        LATCHKEY_SERVICE_TOKEN: latchkey.serviceToken,
        LATCHKEY_CANARY_KEY: canary.secret,
        LATCHKEY_CANARY_INTERVAL_SECONDS: '1',
      },
    });
  });
  afterAll(async () => {
    client?.close();
    await latchkey?.stop();
    await stack?.stop();
  });

  async function createKey(scopes: string[]) {
    const wish = { name: 'k', environment: 'live', scopes };
    const { status, body } = await client.manage('POST', '/v1/tenants/acme/keys', wish);
    expect(status).toBe(201);
    return body as { key: { id: string }; secret: string };
  }

  async function metric(name: string): Promise<number> {
    const text = await (await fetch(`${latchkey.apiUrl}/metrics`)).text();
    const line = text.split('\n').find((each) => each.startsWith(`${name} `));
    return Number(line?.split(' ').at(-1) ?? 0);
  }

  it('lets a new key in at once, and refuses the very next request after its revocation is enforced', async () => {
    for (let round = 0; round < 10; round += 1) {
      const { key, secret } = await createKey(['read']);
      expect((await client.api('GET', '/v1/whoami', secret)).status).toBe(200);
      const revoked = await client.manage('POST', `/v1/tenants/acme/keys/${key.id}/revoke`, {});
      expect([revoked.status, revoked.body.status]).toEqual([200, 'enforced']);
      const refused = await client.api('GET', '/v1/whoami', secret);
      expect([refused.status, refused.body.code]).toEqual([401, 'CREDENTIAL_REVOKED']);
    }
  });

  it('checks with the key of its canary that revoked keys are refused', async () => {
    await eventually(
      async () =>
        expect(await metric('latchkey_revocation_checks_total{result="refused"}')).toBeGreaterThan(1),
      { timeoutMs: 30_000 },
    );
    expect(await metric('latchkey_revocation_violation_total')).toBe(0);
  });
});
