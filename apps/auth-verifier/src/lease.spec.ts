import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Client, credentials, makeGenericClientConstructor } from '@grpc/grpc-js';
import { service as healthService } from 'grpc-health-check';
import { Consistency, Verdict } from '#libs/contracts/gen/latchkey/v1/verifier_service';
import { digestOf } from '#libs/key-secret';
import { GrpcCaller, type UnaryMethod } from '#libs/service-kit/grpc-caller';
import { eventually } from '#libs/testing/eventually';
import { keyChange } from '#libs/verification/fence-examples.contract';
import { LosableKeyView, newCredential, secretRecord } from '#libs/verification/record-examples.contract';
import { startVerifier, tokens } from './served-verifier.contract.js';

const HealthClient = makeGenericClientConstructor(healthService, 'grpc.health.v1.Health');
type HealthClient = Client & { check: UnaryMethod<{ service: string }, { status: string }> };

/** Long enough for the messages of a test on a busy machine, short enough to end in one. */
const LEASE_MS = 2000;

describe('a verifier with a lease', () => {
  let verifier: Awaited<ReturnType<typeof startVerifier<LosableKeyView>>>;
  let calls: ReturnType<(typeof verifier)['calls']>;
  let credential: string;

  beforeEach(async () => {
    verifier = await startVerifier(new LosableKeyView(), {}, LEASE_MS);
    calls = verifier.calls(tokens.both);
    credential = newCredential();
    verifier.authority.knows(secretRecord({ digest: digestOf(credential) }));
    await eventually(async () => expect((await calls.verify(credential)).verdict).toBe(Verdict.VALID));
  });
  afterEach(() => verifier.close());

  async function readiness() {
    const response = await fetch(`${verifier.httpUrl}/health/ready`);
    return { status: response.status, ...((await response.json()) as object) };
  }

  async function health(): Promise<string> {
    const client = new HealthClient(verifier.grpcAddress, credentials.createInsecure());
    const typed = client as unknown as HealthClient;
    try {
      return (await new GrpcCaller('', 1000).call(typed.check.bind(typed), { service: '' })).status;
    } finally {
      client.close();
    }
  }

  it('refuses the very next request after a revocation is enforced', async () => {
    const { via } = await verifier.fence.commit(keyChange('key-1', 2, { terminal: true }));
    expect((await calls.verify(credential)).verdict).toBe(Verdict.REVOKED);
    expect(via).toBe('acks');
  });

  it('says so over gRPC and HTTP when it has lost its lease, and when it has it back', async () => {
    await eventually(async () => expect(await health()).toBe('SERVING'));
    verifier.fence.away = true;
    await eventually(async () => {
      const lapsed = { code: 'FENCE_LEASE_LAPSED', retryAfterSeconds: 1 };
      await expect(calls.verify(credential)).rejects.toMatchObject(lapsed);
      await expect(calls.verify(newCredential())).rejects.toMatchObject(lapsed);
    });
    expect((await calls.verify('x')).verdict).toBe(Verdict.MALFORMED);
    expect(await readiness()).toMatchObject({ status: 503, dependencies: { fence: 'down' } });
    await eventually(async () => expect(await health()).toBe('NOT_SERVING'));
    verifier.fence.away = false;
    await eventually(async () => {
      expect((await calls.verify(credential)).verdict).toBe(Verdict.VALID);
      expect(await readiness()).toMatchObject({ status: 200 });
      expect(await health()).toBe('SERVING');
    });
  });

  it('counts nothing for a revision that is not ours', async () => {
    const published = () => verifier.eventLog.published.length;
    await eventually(() => expect(published()).toBeGreaterThan(0));
    const before = published();
    const foreign = { consistency: Consistency.AT_LEAST_AS_FRESH, atLeastRevision: 'bm90IG91cnM' };
    await expect(calls.verify(credential, foreign)).rejects.toMatchObject({
      code: 'INVALID_REQUEST',
      fields: [{ field: 'atLeastRevision' }],
    });
    expect(published()).toBe(before);
  });

  it('takes the revision of its own verdicts', async () => {
    const { revision } = await calls.verify(credential);
    const atLeast = { consistency: Consistency.AT_LEAST_AS_FRESH, atLeastRevision: revision };
    expect((await calls.verify(credential, atLeast)).verdict).toBe(Verdict.VALID);
  });

  it('shows in its metrics how it stands', async () => {
    await verifier.fence.commit(keyChange('another', 2));
    const metrics = await (await fetch(`${verifier.httpUrl}/metrics`)).text();
    expect(metrics).toContain('\nlatchkey_fence_applied_seq 1\n');
    expect(metrics).toContain('\nlatchkey_fence_lag_entries 0\n');
    expect(metrics).toContain('\nlatchkey_fence_registrations 1\n');
    expect(metrics).toMatch(/\nlatchkey_fence_lease_left_seconds [0-9.]+\n/);
  });

  it('lets nobody wait for it once it is closed', async () => {
    const { fence } = verifier;
    await verifier.close();
    expect(fence.rows).toEqual([]);
    verifier = await startVerifier(new LosableKeyView());
  });
});
