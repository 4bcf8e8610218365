/** What every {@link VerifierClient} does, on an authority that the suite plays. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Consistency, Verdict } from '#libs/contracts/gen/latchkey/v1/verifier_service';
import { digestOf } from '#libs/key-secret';
import { eventually } from '#libs/testing/eventually';
import { type ExampleFence, keyChange } from '#libs/verification/fence-examples.contract';
import {
  type ExampleAuthority,
  newCredential,
  secretRecord,
} from '#libs/verification/record-examples.contract';
import type { VerifierClient, VerifierQuestion } from './verifier-client.js';

export interface StartedClient {
  client: VerifierClient;
  authority: ExampleAuthority;
  fence: ExampleFence;
  close(): Promise<void>;
}

/** Leases of the suite, milliseconds: enough for a busy machine, short enough to end in a test. */
export const CONTRACT_LEASE_MS = 2000;

export function question(credential: string, changes: Partial<VerifierQuestion> = {}): VerifierQuestion {
  return {
    credential,
    profile: '',
    requiredScopes: [],
    route: '/v1/things',
    method: 'GET',
    consistency: Consistency.LEASED,
    atLeastRevision: '',
    anyOfScopes: undefined,
    ...changes,
  };
}

export function describeVerifierClient(name: string, start: () => Promise<StartedClient>): void {
  describe(`${name}, a client of a verifier`, () => {
    let started: StartedClient;
    let client: VerifierClient;
    let credential: string;
    beforeEach(async () => {
      started = await start();
      client = started.client;
      credential = newCredential();
      started.authority.knows(secretRecord({ digest: digestOf(credential) }));
      await eventually(async () =>
        expect((await client.verify(question(credential))).verdict).toBe(Verdict.VALID),
      );
    });
    afterEach(() => started.close());

    it('answers with the verdict and the key that it names', async () => {
      expect(await client.verify(question(credential))).toMatchObject({
        verdict: Verdict.VALID,
        keyId: 'key-1',
        tenantId: 'acme',
      });
      expect(await client.verify(question('x'))).toMatchObject({ verdict: Verdict.MALFORMED, keyId: '' });
      expect((await client.verify(question(newCredential()))).verdict).toBe(Verdict.NOT_FOUND);
      const admin = question(credential, { requiredScopes: ['admin'] });
      expect((await client.verify(admin)).verdict).toBe(Verdict.INSUFFICIENT_SCOPE);
    });

    it('answers a batch in its order', async () => {
      const answers = await client.verifyBatch([
        question('x'),
        question(credential),
        question(newCredential()),
      ]);
      expect(answers.map(({ verdict }) => verdict)).toEqual([
        Verdict.MALFORMED,
        Verdict.VALID,
        Verdict.NOT_FOUND,
      ]);
    });

    it('has the very next request refused after a revocation is enforced', async () => {
      await started.fence.commit(keyChange('key-1', 2, { terminal: true }));
      expect((await client.verify(question(credential))).verdict).toBe(Verdict.REVOKED);
    });

    it('takes the revision of its own verdicts, and refuses one that is not ours', async () => {
      const { revision } = await client.verify(question(credential));
      const consistency = Consistency.AT_LEAST_AS_FRESH;
      const fresh = question(credential, { consistency, atLeastRevision: revision });
      expect((await client.verify(fresh)).verdict).toBe(Verdict.VALID);
      const foreign = question(credential, { consistency, atLeastRevision: 'bm90IG91cnM' });
      await expect(client.verify(foreign)).rejects.toMatchObject({
        code: 'INVALID_REQUEST',
        fields: [{ field: 'atLeastRevision' }],
      });
    });

    it('names the fields of a request that is wrong', async () => {
      const wrong = question(credential, { method: 'a b\n', requiredScopes: ['Write'] });
      await expect(client.verify(wrong)).rejects.toMatchObject({
        code: 'INVALID_REQUEST',
        fields: [{ field: 'requiredScopes.0' }, { field: 'method' }],
      });
      await expect(client.verifyBatch([question(credential), wrong])).rejects.toMatchObject({
        code: 'INVALID_REQUEST',
        fields: [{ field: 'requests.1.requiredScopes.0' }, { field: 'requests.1.method' }],
      });
      const long = Array.from({ length: 1001 }, () => question('x'));
      await expect(client.verifyBatch(long)).rejects.toMatchObject({
        code: 'INVALID_REQUEST',
        fields: [{ field: 'requests' }],
      });
    });

    it('is UNAVAILABLE where nobody can be asked about a key that is not near by', async () => {
      started.authority.away = true;
      await expect(client.verify(question(newCredential()))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    });

    it('judges nobody without a lease, and answers again when there is one', async () => {
      started.fence.away = true;
      await eventually(async () => {
        const lapsed = { code: 'FENCE_LEASE_LAPSED', retryAfterSeconds: 1 };
        await expect(client.verify(question(credential))).rejects.toMatchObject(lapsed);
      });
      started.fence.away = false;
      await eventually(async () =>
        expect((await client.verify(question(credential))).verdict).toBe(Verdict.VALID),
      );
    });
  });
}
