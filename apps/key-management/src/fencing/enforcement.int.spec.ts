import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import pg from 'pg';
import type { RunningService } from '#libs/service-kit/serve';
import { outlivesMs } from '#libs/fence';
import { eventually } from '#libs/testing/eventually';
import { GrpcClient, refusal } from '../grpc-client.contract.js';
import {
  type Answer,
  ask,
  type Asked,
  keyBody,
  ServedForSuite,
  serveKeyManagement,
} from '../served-key-management.contract.js';
import { LeasedVerifier } from './leased-verifier.contract.js';

jest.setTimeout(90_000);

const ASYNC = { headers: { prefer: 'respond-async' } };

/** Verifiers that are gone with their test, so that nothing waits for them in the next. */
function verifiersOf(served: ServedForSuite) {
  const verifiers: LeasedVerifier[] = [];
  afterEach(async () => {
    for (const verifier of verifiers.splice(0)) {
      await verifier.deregister();
      verifier.close();
    }
  });
  return {
    /** One that has a lease and says nothing more. */
    async silent(): Promise<LeasedVerifier> {
      const verifier = await LeasedVerifier.leased(served.service.grpcAddress as string);
      verifiers.push(verifier);
      return verifier;
    },
    async watching(service: RunningService = served.service): Promise<LeasedVerifier> {
      const verifier = await this.silent();
      verifier.watch({ grpcAddress: service.grpcAddress as string });
      return verifier;
    },
  };
}

/** Every operation that takes something away, on a key with two secrets. */
const RESTRICTIONS: [name: string, method: string, path: string, body: object | undefined][] = [
  ['revoking', 'POST', '/revoke', {}],
  ['retiring the previous secret', 'POST', '/retire-previous-secret', undefined],
  ['rotating without grace', 'POST', '/rotate', { graceSeconds: 0, retirePrevious: true }],
  ['ending an earlier grace', 'POST', '/rotate', { graceSeconds: 3600, retirePrevious: true }],
  ['taking a scope away', 'PATCH', '', { scopes: ['read'] }],
  ['bringing the expiry forward', 'PATCH', '', { expiresAt: '2099-01-01T00:00:00Z' }],
];

/** A key of a tenant of its own, with a secret in its grace period. */
async function rotatedKey(served: ServedForSuite) {
  const { tenantId, keys } = await served.tenant();
  const { body } = await served.ask('POST', keys, { body: keyBody() });
  const path = `${keys}/${body.key.id}`;
  await served.ask('POST', `${path}/rotate`, { body: { graceSeconds: 3600 } });
  const restrict = (method: string, rest: string, asked?: Asked) => served.ask(method, path + rest, asked);
  return { tenantId, id: body.key.id as string, path, restrict };
}

describe('a change that takes something away', () => {
  const served = new ServedForSuite();
  const grpc = new GrpcClient(served);
  const verifiers = verifiersOf(served);

  const statusOf = async ({ body }: Answer): Promise<Answer['body']> =>
    (await served.ask('GET', `/v1/enforcements/${body.revision}`)).body;

  it.each(RESTRICTIONS)('by %s is enforced when every verifier has it', async (_, method, path, body) => {
    const [one, two] = [await verifiers.watching(), await verifiers.watching()];
    const key = await rotatedKey(served);
    const answer = await key.restrict(method, path, { body });
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({
      status: 'enforced',
      revision: answer.body.key.revision,
      via: 'acks',
      waitedMs: expect.any(Number),
      verifiers: { acked: 2, expired: 0 },
      key: { id: key.id },
    });
    for (const { applied } of [one, two]) {
      expect(applied.at(-1)).toMatchObject({ kind: 'KEY', subject: `key-${key.id}`, floorVersion: 3 });
    }
  });

  it.each(RESTRICTIONS)('by %s is not called enforced before (I6)', async (_, method, path, body) => {
    const verifier = await verifiers.silent();
    const key = await rotatedKey(served);
    const answer = await key.restrict(method, path, { body, ...ASYNC });
    expect(answer.status).toBe(202);
    expect(answer.body).toMatchObject({
      status: 'committed',
      enforcedBy: expect.any(String),
      key: { id: key.id },
    });
    expect(answer.headers.get('location')).toBe(`/v1/enforcements/${answer.body.revision}`);
    expect(answer.headers.get('preference-applied')).toBe('respond-async');
    expect(await statusOf(answer)).toMatchObject({ status: 'committed', revision: answer.body.revision });
    await verifier.renew();
    verifier.watch();
    await eventually(async () =>
      expect(await statusOf(answer)).toMatchObject({ status: 'enforced', via: 'acks' }),
    );
  });

  it('suspends a tenant everywhere before it says so, and resumes it without waiting', async () => {
    const verifier = await verifiers.silent();
    const { tenantId } = await served.tenant();
    const suspended = await served.ask('POST', `/v1/tenants/${tenantId}/suspend`, ASYNC);
    expect([suspended.status, suspended.body.status, suspended.body.tenant.status]).toEqual([
      202,
      'committed',
      'suspended',
    ]);
    await verifier.renew();
    verifier.watch();
    const again = await served.ask('POST', `/v1/tenants/${tenantId}/suspend`);
    expect([again.status, again.body.status, again.body.verifiers]).toEqual([
      200,
      'enforced',
      { acked: 1, expired: 0 },
    ]);
    await verifiers.silent();
    const resumed = await served.ask('POST', `/v1/tenants/${tenantId}/resume`);
    expect([resumed.status, resumed.body.status, resumed.body.tenant.status]).toEqual([
      200,
      'committed',
      'active',
    ]);
  });

  it.each<[string, string, string, object]>([
    ['a name', 'PATCH', '', { name: 'another' }],
    ['a wider scope', 'PATCH', '', { scopes: ['read', 'write', 'more'] }],
    ['a rotation whose grace outlasts every lease', 'POST', '/rotate', { graceSeconds: 3600 }],
  ])('does not wait for %s, which takes nothing away yet', async (_, method, rest, body) => {
    await verifiers.silent();
    const { keys } = await served.tenant();
    const created = await served.ask('POST', keys, { body: keyBody() });
    const answer = await served.ask(method, `${keys}/${created.body.key.id}${rest}`, { body });
    expect([answer.status, answer.body.status, answer.body.enforcedBy]).toEqual([
      200,
      'committed',
      undefined,
    ]);
    expect(answer.body.revision).toBe(answer.body.key.revision);
  });

  it('gives the revision with a new key, and asks nobody', async () => {
    await verifiers.silent();
    const { keys } = await served.tenant();
    const { status, body } = await served.ask('POST', keys, { body: keyBody() });
    expect([status, body.revision, body.status]).toEqual([201, body.key.revision, undefined]);
  });

  it('waits as long as is preferred', async () => {
    await verifiers.silent();
    const key = await rotatedKey(served);
    const answer = await key.restrict('POST', '/revoke', { headers: { prefer: 'respond-async, wait=1' } });
    expect([answer.status, answer.body.status]).toEqual([202, 'committed']);
    expect(answer.headers.get('preference-applied')).toBe('wait=1');
  });

  it('is enforced for a verifier that watches another instance, and for who asks there (I6)', async () => {
    const other = await serveKeyManagement(served.database);
    try {
      await verifiers.watching(other);
      await verifiers.watching();
      const key = await rotatedKey(served);
      const answer = await key.restrict('POST', '/revoke');
      expect(answer.body).toMatchObject({ status: 'enforced', via: 'acks', verifiers: { acked: 2 } });
      await eventually(async () => {
        const { body } = await ask(other, 'GET', `/v1/enforcements/${answer.body.revision}`);
        expect(body).toMatchObject({ status: 'enforced', via: 'acks' });
      });
    } finally {
      await other.close();
    }
  });

  it('waits for the entry it finds where it is repeated, with and without its Idempotency-Key', async () => {
    const verifier = await verifiers.silent();
    const key = await rotatedKey(served);
    const wish = { 'idempotency-key': randomUUID() };
    const first = await key.restrict('POST', '/revoke', { headers: { ...wish, prefer: 'respond-async' } });
    for (const headers of [wish, {}] as Record<string, string>[]) {
      const again = await key.restrict('POST', '/revoke', { headers: { ...headers, prefer: 'wait=0' } });
      expect([again.status, again.body.status, again.body.revision]).toEqual([
        202,
        'committed',
        first.body.revision,
      ]);
    }
    await verifier.renew();
    verifier.watch();
    for (const headers of [wish, {}] as Record<string, string>[]) {
      const again = await key.restrict('POST', '/revoke', { headers });
      expect([again.status, again.body.status, again.body.key.id]).toEqual([200, 'enforced', key.id]);
    }
  });

  it('answers a repeated rotation in the same form, without its secret', async () => {
    const key = await rotatedKey(served);
    const asked = {
      headers: { 'idempotency-key': randomUUID() },
      body: { graceSeconds: 0, retirePrevious: true },
    };
    const first = await key.restrict('POST', '/rotate', asked);
    const again = await key.restrict('POST', '/rotate', asked);
    expect(first.body).toMatchObject({ status: 'enforced', secret: expect.any(String) });
    expect(again.body).toEqual({ ...first.body, waitedMs: again.body.waitedMs, secret: null });
  });

  it.each(['', 'x', 'a'.repeat(200), Buffer.alloc(60).toString('base64url')])(
    'is nowhere to be found by what is no revision: %j',
    async (revision) => {
      const { status, body } = await served.ask('GET', `/v1/enforcements/${revision}`);
      expect([status, body.code]).toEqual([404, 'NOT_FOUND']);
    },
  );

  describe('over gRPC', () => {
    it('is answered with how it is enforced', async () => {
      await verifiers.watching();
      const { tenantId } = await served.tenant();
      const { key } = await grpc.create(tenantId);
      const rotated = await grpc.rotate(tenantId, key?.id as string, { graceSeconds: 0 });
      expect(rotated.enforcement).toMatchObject({ status: 'enforced', via: 'acks', verifiersAcked: 1 });
      const revoked = await grpc.revoke(tenantId, key?.id as string);
      expect(revoked.enforcement).toMatchObject({ status: 'enforced', revision: revoked.key?.revision });
    });

    it('is answered before it is enforced where no longer is to be waited, and can be asked for', async () => {
      const verifier = await verifiers.silent();
      const { tenantId } = await served.tenant();
      const { key } = await grpc.create(tenantId);
      const { enforcement } = await grpc.revoke(tenantId, key?.id as string, { waitSeconds: 0 });
      expect(enforcement).toMatchObject({ status: 'committed', enforcedBy: expect.any(Date) });
      const find = (of: string) =>
        grpc.call(grpc.client.getEnforcement.bind(grpc.client), {
          tenantId: of,
          revision: enforcement?.revision as string,
        });
      expect((await find(tenantId)).enforcement).toMatchObject({ status: 'committed' });
      const stranger = await served.tenant();
      expect(await refusal(find(stranger.tenantId))).toEqual(['NOT_FOUND', 'NOT_FOUND']);
      await verifier.renew();
      verifier.watch();
      await eventually(async () =>
        expect((await find(tenantId)).enforcement).toMatchObject({ status: 'enforced', via: 'acks' }),
      );
    });
  });

  it('says "not yet" to who waits when the instance is stopped', async () => {
    const other = await serveKeyManagement(served.database);
    await verifiers.silent();
    const key = await rotatedKey(served);
    const answer = ask(other, 'POST', `${key.path}/revoke`);
    await eventually(async () => expect((await served.ask('GET', key.path)).body.key.status).toBe('revoked'));
    await other.close();
    expect([(await answer).status, (await answer).body.status]).toEqual([202, 'committed']);
  });
});

describe('a verifier that is silent', () => {
  const LEASE_MS = 500;
  const served = new ServedForSuite({ LATCHKEY_FENCE_LEASE_MS: String(LEASE_MS) });
  const verifiers = verifiersOf(served);
  const boundMs = outlivesMs({ leaseMs: LEASE_MS, serveStaleMs: 0 });

  it('is waited for until no lease of it can be left, then the change is enforced (I6)', async () => {
    await verifiers.silent();
    const key = await rotatedKey(served);
    const { status, body } = await key.restrict('POST', '/revoke');
    expect([status, body.status]).toEqual([200, 'enforced']);
    expect(['leaseExpiry', 'acks']).toContain(body.via);
    // By acks: the janitor gave it up meanwhile, so that nobody was left to wait for.
    // Whole milliseconds are answered.
    if (body.via === 'leaseExpiry') expect(body.waitedMs).toBeGreaterThanOrEqual(boundMs - 1);
    expect(body.verifiers).toEqual({ acked: 0, expired: 1 });
  });

  it('is given up after its lease, and told to register anew when it comes back (I7)', async () => {
    const verifier = await verifiers.silent();
    const leaseUntilMs = performance.now() + verifier.fence.leaseLeftMs(performance.now());
    const admin = new pg.Client({ connectionString: served.database.adminUrl });
    await admin.connect();
    await eventually(async () => {
      const { rows } = await admin.query(
        'select 1 from keys.verifier_lease where incarnation = $1 and fenced_at is not null',
        [verifier.incarnation],
      );
      expect(rows).toHaveLength(1);
    });
    expect(performance.now()).toBeGreaterThan(leaseUntilMs);
    await admin.end();
    await expect(verifier.askForGrant()).resolves.toMatchObject({ unknown: true, entries: [] });
    await expect(verifier.renew()).resolves.toBe('register');
  });
});

describe('restrictions in a new epoch', () => {
  const LEASE_MS = 2000;
  const served = new ServedForSuite({ LATCHKEY_FENCE_LEASE_MS: String(LEASE_MS) });

  it('do not count verifiers as told that the new epoch gave up while they were waited for (I6)', async () => {
    const verifier = await LeasedVerifier.leased(served.service.grpcAddress as string);
    const key = await rotatedKey(served);
    const answer = key.restrict('POST', '/revoke');
    await eventually(async () => expect((await served.ask('GET', key.path)).body.key.status).toBe('revoked'));
    const admin = new pg.Client({ connectionString: served.database.adminUrl });
    await admin.connect();
    await admin.query('update keys.fence_head set epoch_counter = epoch_counter + 1');
    await eventually(async () => {
      const { rows } = await admin.query('select 1 from keys.verifier_lease where fenced_at is null');
      expect(rows).toHaveLength(0);
    });
    await admin.end();
    const { body } = await answer;
    expect(body).toMatchObject({ status: 'enforced', via: 'leaseExpiry' });
    expect(body.waitedMs).toBeGreaterThanOrEqual(outlivesMs({ leaseMs: LEASE_MS, serveStaleMs: 0 }) - 1);
    verifier.close();
  });

  it('wait in full, whatever is acknowledged, until the leases from before are over', async () => {
    const admin = new pg.Client({ connectionString: served.database.adminUrl });
    await admin.connect();
    await admin.query('update keys.fence_head set epoch_counter = epoch_counter + 1');
    const key = await rotatedKey(served);
    const first = await key.restrict('POST', '/retire-previous-secret');
    expect(first.body).toMatchObject({ status: 'enforced', via: 'leaseExpiry' });
    await eventually(
      async () => {
        const { rows } = await admin.query('select settled from keys.fence_epochs order by opened_at');
        expect(rows.at(-1)).toEqual({ settled: true });
      },
      { timeoutMs: 20_000 },
    );
    await admin.end();
    expect((await key.restrict('POST', '/revoke')).body).toMatchObject({ status: 'enforced', via: 'acks' });
  });
});

describe('a flood of changes by one tenant', () => {
  const served = new ServedForSuite({ LATCHKEY_FENCE_RESTRICTIONS_PER_SECOND_MAX: '2' });

  it('is refused with when to come again, while the others go on', async () => {
    const [flooding, other] = [await rotatedKey(served), await rotatedKey(served)];
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, i) => flooding.restrict('PATCH', '', { body: { name: `name ${i}` } })),
    );
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused[0]?.body.code).toBe('RATE_LIMITED');
    expect(Number(refused[0]?.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await other.restrict('PATCH', '', { body: { name: 'another' } })).status).toBe(200);
  });
});
