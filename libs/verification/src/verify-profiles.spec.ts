import { describe, expect, it } from '@jest/globals';
import { Verdict } from '#libs/contracts/gen/latchkey/v1/verifier_service';
import type { Admission, Demand } from '#libs/rate-limit';
import { keyChange, tenantChange } from './fence-examples.contract.js';
import { givenVerification } from './given-verification.contract.js';
import { seynCredential, synaptiqCredential } from './profile-examples.contract.js';

const seyn = { profile: 'seyn' };
const ofSeyn = { profile: 'seyn' };

describe('a verification within a profile', () => {
  it('finds the keys of its own product, and none of another’s', async () => {
    const all = await givenVerification();
    const { credential } = await all.key({}, ofSeyn, seynCredential());
    expect(await all.verify(credential, seyn)).toMatchObject({ verdict: Verdict.VALID, keyId: 'key-1' });
    for (let again = 0; again < 2; again += 1) {
      const elsewhere = await all.verify(credential, { profile: 'synaptiq' });
      expect(elsewhere).toMatchObject({ verdict: Verdict.MALFORMED, keyId: '' });
    }
    const imported = await all.key(
      { keyId: 'key-2', tenantId: 'other' },
      { tenantId: 'other', profile: 'synaptiq' },
      seynCredential(),
    );
    expect(await all.verify(imported.credential, seyn)).toEqual({
      ...(await all.verify(seynCredential(), seyn)),
      requestId: expect.any(String),
    });
  });

  it('tells nothing of a revoked key of another product', async () => {
    const all = await givenVerification();
    const { credential } = await all.key({ keyState: 'revoked' }, { profile: 'default' }, seynCredential());
    expect(await all.verify(credential, seyn)).toMatchObject({ verdict: Verdict.NOT_FOUND, keyId: '' });
  });

  it('is refused for a profile that this deployment does not have', async () => {
    const all = await givenVerification();
    for (const profile of ['other', 'Default', 'constructor']) {
      await expect(all.verify('x', { profile })).rejects.toMatchObject({
        code: 'INVALID_REQUEST',
        fields: [{ field: 'profile' }],
      });
    }
  });
});

describe('a limited key', () => {
  it('is RATE_LIMITED past its limit, and passes again when the window has moved on', async () => {
    const all = await givenVerification();
    const { credential } = await all.key({}, ofSeyn, seynCredential());
    for (let request = 1; request <= 60; request += 1) {
      const { verdict, rateLimit } = await all.verify(credential, seyn);
      expect(verdict).toBe(Verdict.VALID);
      expect(rateLimit).toMatchObject({
        limit: 60,
        remaining: 60 - request,
        retryAfterMs: 0,
        degraded: false,
      });
    }
    const refused = await all.verify(credential, seyn);
    expect(refused).toMatchObject({
      verdict: Verdict.RATE_LIMITED,
      keyId: 'key-1',
      rateLimit: { limit: 60, remaining: 0, retryAfterMs: 60_000 },
    });
    await all.clocks.turn(60_000);
    expect((await all.verify(credential, seyn)).verdict).toBe(Verdict.VALID);
  });

  it('takes nothing from its limit where it is refused for anything but a scope', async () => {
    const all = await givenVerification();
    const demands = countDemands(all.limiter);
    const { credential } = await all.key({ scopes: ['read'] }, ofSeyn, seynCredential());
    const lacking = await all.verify(credential, { ...seyn, anyOfScopes: { scopes: ['write'] } });
    expect(lacking).toMatchObject({ verdict: Verdict.INSUFFICIENT_SCOPE, rateLimit: { remaining: 59 } });
    expect(demands).toHaveLength(1);
    const revoked = await all.key({ keyId: 'key-2', keyState: 'revoked' }, ofSeyn, seynCredential());
    const refused = await all.verify(revoked.credential, seyn);
    expect(refused).toMatchObject({ verdict: Verdict.REVOKED, rateLimit: undefined });
    await all.verify(seynCredential(), seyn);
    await all.verify('Bearer', seyn);
    expect(demands).toHaveLength(1);
  });

  it('is REVOKED where it was revoked while its limit was asked', async () => {
    const all = await givenVerification();
    const { credential, secret, tenant } = await all.key({}, ofSeyn, seynCredential());
    expect((await all.verify(credential, seyn)).verdict).toBe(Verdict.VALID);
    const consume = all.limiter.consume.bind(all.limiter);
    all.limiter.consume = async (demands) => {
      all.authority.knows({ ...secret, keyState: 'revoked', version: 2 }, tenant);
      void all.fence.commit(keyChange(secret.keyId, 2, { terminal: true, profile: 'seyn' }));
      return consume(demands);
    };
    const refused = await all.verify(credential, seyn);
    expect(refused).toMatchObject({ verdict: Verdict.REVOKED, rateLimit: undefined });
  });

  it('has the limit of its scope and its tenant’s plan, or its own, as soon as that is heard of', async () => {
    const all = await givenVerification();
    const synaptiq = { profile: 'synaptiq' };
    const made = await all.key({ scopes: ['write'] }, { ...synaptiq, plan: 'pro' }, synaptiqCredential());
    const { credential, secret, tenant } = made;
    expect((await all.verify(credential, synaptiq)).rateLimit?.limit).toBe(300);
    all.authority.knows(secret, { ...tenant, plan: 'enterprise', version: 2 });
    await all.fence.commit(tenantChange('acme', 2, { kind: 'HINT', profile: 'synaptiq' }));
    expect((await all.verify(credential, synaptiq)).rateLimit?.limit).toBe(1500);
    all.authority.knows({ ...secret, requestsPerMinute: 7, version: 2 }, { ...tenant, version: 2 });
    await all.fence.commit(keyChange(secret.keyId, 2, { kind: 'HINT', profile: 'synaptiq' }));
    expect((await all.verify(credential, synaptiq)).rateLimit?.limit).toBe(7);
  });

  it('is counted alike one by one and in a batch, and a key without a limit is not counted', async () => {
    const all = await givenVerification();
    const { credential } = await all.key({}, ofSeyn, seynCredential());
    const free = await all.key({ keyId: 'key-2', tenantId: 'free' }, { tenantId: 'free' });
    const demands = countDemands(all.limiter);
    const asked = Array.from({ length: 70 }, () => all.request(credential, seyn));
    const answers = await all.verifier.verifyAll([...asked, all.request(free.credential)], 'caller');
    const outcomes = answers.map(({ outcome }) => outcome);
    expect(outcomes.filter((outcome) => outcome === 'RATE_LIMITED')).toHaveLength(10);
    expect(outcomes.at(-1)).toBe('VALID');
    expect(answers.at(-1)?.response.rateLimit).toBeUndefined();
    expect(demands).toHaveLength(70);
  });
});

/** What is asked of the limiter from now on. */
function countDemands(limiter: { consume(demands: readonly Demand[]): Promise<Admission[]> }): Demand[] {
  const asked: Demand[] = [];
  const consume = limiter.consume.bind(limiter);
  limiter.consume = (demands) => {
    asked.push(...demands);
    return consume(demands);
  };
  return asked;
}
