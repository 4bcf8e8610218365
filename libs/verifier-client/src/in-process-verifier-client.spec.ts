import { describe, expect, it } from '@jest/globals';
import { Registry } from 'prom-client';
import { ownRateLimits } from '#libs/rate-limit/serve';
import { createLogger, readEnvironment } from '#libs/service-kit';
import { eventually } from '#libs/testing/eventually';
import { verificationVariables } from '#libs/verification/config';
import { ExampleFence } from '#libs/verification/fence-examples.contract';
import { ExampleAuthority, sealKeys } from '#libs/verification/record-examples.contract';
import { serveAuthority } from '#libs/verification/served-authority.contract';
import { SystemClocks } from '#libs/verification/system-clocks';
import { startInProcessVerifier } from './serve.js';
import { CONTRACT_LEASE_MS, describeVerifierClient } from './verifier-client.contract.js';

async function start() {
  const authority = new ExampleAuthority();
  const fence = new ExampleFence(new SystemClocks());
  fence.leaseMs = CONTRACT_LEASE_MS;
  const management = await serveAuthority(authority, fence);
  const config = readEnvironment(verificationVariables, {
    LATCHKEY_SERVICE_TOKEN: 'token-of-the-verifier',
    LATCHKEY_MANAGEMENT_ADDRESS: `127.0.0.1:${management.port}`,
    LATCHKEY_SEAL_KEYS: sealKeys.map(({ id, key }) => `${id}:${key.toString('base64')}`).join(','),
    LATCHKEY_VERIFIER_ID: 'in-process',
  });
  const parts = {
    rateLimiting: ownRateLimits,
    logger: createLogger('in-process', 'silent'),
    metrics: new Registry(),
  };
  const client = startInProcessVerifier(config, parts, 'spec');
  await eventually(() => client.check());
  return {
    client,
    authority,
    fence,
    async close() {
      await client.close();
      management.server.forceShutdown();
    },
  };
}

describeVerifierClient('InProcessVerifierClient', start);

describe('InProcessVerifierClient', () => {
  it('is not to be asked while it has no lease, and lets nobody wait for it once it is closed', async () => {
    const { client, fence, close } = await start();
    fence.away = true;
    await eventually(() => expect(client.check()).rejects.toThrow('no lease'));
    fence.away = false;
    await eventually(() => client.check());
    await close();
    expect(fence.rows).toEqual([]);
  });
});
