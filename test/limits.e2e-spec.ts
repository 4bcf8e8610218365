import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Verdict, type VerifyResponse } from '#libs/contracts/gen/latchkey/v1/verifier_service';
import { eventually } from '#libs/testing/eventually';
import { LatchkeyClient } from '#libs/testing/latchkey-client';
import { type LatchkeyProcesses, startLatchkeyProcesses } from '#libs/testing/latchkey-processes';
import { type PrivateStack, startPrivateStack } from '#libs/testing/private-stack';

jest.setTimeout(60_000);

const LIMIT = 60;
const PART = LIMIT / 2;

describe('a limit over two verifiers', () => {
  let stack: PrivateStack;
  let latchkey: LatchkeyProcesses;
  let verifiers: LatchkeyClient[];
  const tenantId = `t-${randomUUID()}`;

  beforeAll(async () => {
    stack = await startPrivateStack(['kafka', 'redis', 'postgres']);
    latchkey = await startLatchkeyProcesses(stack.env, {
      apps: ['key-management', 'auth-verifier'],
      environment: { LATCHKEY_PROFILES: 'default,seyn' },
    });
    const second = await latchkey.start('auth-verifier', { instance: 'second' });
    verifiers = [latchkey.addresses.verifier, second.grpcAddress].map(
      (verifier) => new LatchkeyClient({ ...latchkey, addresses: { ...latchkey.addresses, verifier } }),
    );
    const registered = await verifiers[0]?.manage('PUT', `/v1/tenants/${tenantId}`, { profile: 'seyn' });
    expect(registered?.status).toBe(201);
  }, 120_000);

  afterAll(async () => {
    for (const verifier of verifiers ?? []) verifier.close();
    await latchkey?.stop();
    await stack?.stop();
  }, 60_000);

  async function newSecret(): Promise<string> {
    const wish = { name: 'k', environment: 'live' };
    const made = await verifiers[0]?.manage('POST', `/v1/tenants/${tenantId}/keys`, wish);
    return made?.body.secret as string;
  }

  /** So many verifications of one key at each verifier, all at once. */
  function verifyAtEach(secret: string, times: number): Promise<VerifyResponse[][]> {
    return Promise.all(
      verifiers.map((verifier) =>
        Promise.all(Array.from({ length: times }, () => verifier.verify(secret, { profile: 'seyn' }))),
      ),
    );
  }

  const admitted = (answers: VerifyResponse[]) =>
    answers.filter(({ verdict }) => verdict === Verdict.VALID).length;

  it('admits as many as it says, of whatever comes to either', async () => {
    const answers = (await verifyAtEach(await newSecret(), LIMIT)).flat();
    expect(admitted(answers)).toBe(LIMIT);
    for (const { verdict, rateLimit } of answers) {
      expect(verdict === Verdict.VALID || verdict === Verdict.RATE_LIMITED).toBe(true);
      expect(rateLimit).toMatchObject({ limit: LIMIT, degraded: false });
    }
  });

  it('is divided while Redis is away, flagged, and refuses nobody for that; afterwards it is shared again', async () => {
    await stack.redis.kill();
    // Each learns with its lease how many there are.
    await eventually(async () => {
      const apart = await verifyAtEach(await newSecret(), LIMIT);
      expect(apart.map(admitted)).toEqual([PART, PART]);
      for (const { verdict, rateLimit } of apart.flat()) {
        expect(verdict === Verdict.VALID || verdict === Verdict.RATE_LIMITED).toBe(true);
        expect(rateLimit).toMatchObject({ limit: LIMIT, degraded: true });
      }
    });
    await stack.redis.start();
    await eventually(async () => {
      const answers = (await verifyAtEach(await newSecret(), LIMIT)).flat();
      expect([admitted(answers), answers.some(({ rateLimit }) => rateLimit?.degraded)]).toEqual([
        LIMIT,
        false,
      ]);
    });
  });
});
