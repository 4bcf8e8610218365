import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { eventually } from '#libs/testing/eventually';
import { refusal } from '../grpc-client.contract.js';
import { keyBody, ServedForSuite, serveKeyManagement } from '../served-key-management.contract.js';
import { LeasedVerifier } from './leased-verifier.contract.js';

jest.setTimeout(60_000);

describe('FenceService', () => {
  const served = new ServedForSuite({ LATCHKEY_FENCE_SERVE_STALE_MAX_MS: '5000' });
  const verifiers: LeasedVerifier[] = [];
  const address = () => served.service.grpcAddress as string;

  afterEach(async () => {
    for (const verifier of verifiers.splice(0)) {
      await verifier.deregister();
      verifier.close();
    }
  });

  function verifierOf(verifierId?: string): LeasedVerifier {
    const verifier = new LeasedVerifier(address(), verifierId);
    verifiers.push(verifier);
    return verifier;
  }

  async function leased(verifierId?: string): Promise<LeasedVerifier> {
    const verifier = verifierOf(verifierId);
    await verifier.register();
    await verifier.renew();
    return verifier;
  }

  /** A tenant with a key; changes to it are what is fenced. */
  async function aKey() {
    const { keys } = await served.tenant();
    const { body } = await served.ask('POST', keys, { body: keyBody() });
    const path = `${keys}/${body.key.id}`;
    return {
      id: body.key.id as string,
      path,
      rename: () => served.ask('PATCH', path, { body: { name: randomUUID() } }),
    };
  }

  const async = { headers: { prefer: 'respond-async' } };

  it('gives a lease with everything that was fenced before', async () => {
    const key = await aKey();
    await key.rename();
    await served.ask('POST', `${key.path}/revoke`);
    const verifier = verifierOf();
    await verifier.register();
    expect(verifier.fence.leaseLeftMs(performance.now())).toBeLessThanOrEqual(0);
    await expect(verifier.renew()).resolves.toBe('leased');
    expect(verifier.fence.leaseLeftMs(performance.now())).toBeGreaterThan(0);
    expect(verifier.fence.applied).toBeGreaterThan(1);
    const standing = verifier.fence.standing(
      { id: key.id, version: 3 },
      { id: 'any', version: 1 },
      performance.now(),
    );
    expect(standing).toBe('revoked');
  });

  it('carries in a renewal what was fenced since (I4)', async () => {
    const verifier = await leased();
    const key = await aKey();
    await served.ask('POST', `${key.path}/revoke`, async);
    await expect(verifier.renew()).resolves.toBe('leased');
    expect(verifier.applied.at(-1)).toMatchObject({
      kind: 'KEY',
      subject: `key-${key.id}`,
      floorVersion: 2,
      terminal: true,
      profile: 'default',
    });
  });

  it('pushes every change of an existing key or tenant to who watches, without gaps', async () => {
    const verifier = await leased();
    const before = verifier.fence.applied;
    verifier.watch();
    const key = await aKey();
    await Promise.all(Array.from({ length: 5 }, () => key.rename()));
    await served.ask('POST', `${key.path}/revoke`);
    await eventually(async () => expect(verifier.applied.at(-1)?.terminal).toBe(true));
    expect(verifier.applied.map(({ seq }) => seq).filter((seq) => seq > before)).toEqual(
      Array.from({ length: 6 }, (_, i) => before + 1 + i),
    );
  });

  it('pushes what was committed on another instance', async () => {
    const other = await serveKeyManagement(served.database, { LATCHKEY_FENCE_SERVE_STALE_MAX_MS: '5000' });
    try {
      const verifier = await leased();
      verifier.watch({ grpcAddress: other.grpcAddress as string });
      const key = await aKey();
      const { body } = await served.ask('POST', `${key.path}/revoke`);
      expect(body).toMatchObject({ status: 'enforced', via: 'acks' });
      expect(verifier.applied.at(-1)).toMatchObject({ subject: `key-${key.id}`, terminal: true });
    } finally {
      await other.close();
    }
  });

  it('tells two processes of one verifier id apart by their incarnations', async () => {
    const [first, second] = [await leased('the-same'), await leased('the-same')];
    await expect(first.renew()).resolves.toBe('leased');
    await second.deregister();
    await expect(second.renew()).resolves.toBe('register');
    await expect(first.renew()).resolves.toBe('leased');
  });

  it('refuses a second registration of one incarnation: it would not begin from nothing', async () => {
    const verifier = await leased();
    expect(await refusal(verifier.register())).toEqual(['ABORTED', 'CONFLICT']);
  });

  it('answers an incarnation that it does not know with unknown, so that it registers anew', async () => {
    const verifier = verifierOf();
    await expect(verifier.askForGrant()).resolves.toMatchObject({ unknown: true, entries: [] });
  });

  it('ends the watch of an incarnation that it does not know', async () => {
    const verifier = verifierOf();
    verifier.watch();
    await eventually(async () => expect(verifier.ended).toContain('INCARNATION_UNKNOWN'));
  });

  it('takes no acknowledgement beyond the end of the log', async () => {
    const verifier = await leased();
    await verifier.askForGrant(undefined, Number.MAX_SAFE_INTEGER);
    const key = await aKey();
    const { body } = await served.ask('POST', `${key.path}/revoke`, async);
    expect(body.status).toBe('committed');
    expect((await served.ask('GET', `/v1/enforcements/${body.revision}`)).body.status).toBe('committed');
  });

  it.each<[string, object]>([
    ['protocolVersion', { protocolVersion: 2 }],
    ['protocolVersion', { protocolVersion: 0 }],
    ['verifierId', { verifierId: '' }],
    ['verifierId', { verifierId: 'a b' }],
    ['verifierId', { verifierId: 'x'.repeat(129) }],
    ['incarnation', { incarnation: '' }],
    ['incarnation', { incarnation: '\u0000' }],
    ['incarnation', { incarnation: 'not-a-uuid' }],
    ['profiles', { profiles: ['default', 'Another'] }],
    ['serveStaleMs', { serveStaleMs: 5001 }],
  ])('refuses to register with a wrong %s: %j', async (field, more) => {
    expect(await refusal(verifierOf().register(more))).toEqual([
      'INVALID_ARGUMENT',
      'INVALID_REQUEST',
      field,
    ]);
  });

  it('registers with as much beyond the lease as it allows', async () => {
    await expect(verifierOf().register({ serveStaleMs: 5000 })).resolves.toBeUndefined();
  });

  it('refuses to renew from a place that no log can have', async () => {
    const verifier = await leased();
    expect(await refusal(verifier.askForGrant(undefined, '9007199254740993'))).toEqual([
      'INVALID_ARGUMENT',
      'INVALID_REQUEST',
      'applied',
    ]);
  });

  it('ends watches when it is stopped, and stops', async () => {
    const other = await serveKeyManagement(served.database, { LATCHKEY_FENCE_SERVE_STALE_MAX_MS: '5000' });
    const verifier = await leased();
    verifier.watch({ grpcAddress: other.grpcAddress as string });
    const key = await aKey();
    await key.rename();
    await eventually(async () => expect(verifier.applied.at(-1)?.subject).toBe(`key-${key.id}`));
    await other.close();
    await eventually(async () => expect(verifier.ended).toHaveLength(1));
  });
});
