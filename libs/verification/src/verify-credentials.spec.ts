import { describe, expect, it } from '@jest/globals';
import { Consistency, Verdict } from '#libs/contracts/gen/latchkey/v1/verifier_service';
import { freshMs, RevisionSeal, servingMs } from '#libs/fence';
import { digestOf } from '#libs/key-secret';
import type { SecretRecord, TenantRecord } from '#libs/key-view';
import { keyChange, settled, tenantChange } from './fence-examples.contract.js';
import { newCredential, seal, sealKeys, secretRecord, tenantRecord } from './record-examples.contract.js';
import { type GivenVerification, givenVerification } from './given-verification.contract.js';

const revisions = new RevisionSeal(sealKeys);

/** Revokes at the authority alone: the view is stale. */
function revoke(
  { authority, fence }: GivenVerification,
  { secret, tenant }: { secret: SecretRecord; tenant: TenantRecord },
) {
  const version = secret.version + 1;
  authority.knows({ ...secret, keyState: 'revoked', version }, tenant);
  return fence.commit(keyChange(secret.keyId, version, { terminal: true }));
}

describe('a verification', () => {
  it('answers at once, without a promise, what was verified before', async () => {
    const all = await givenVerification();
    const { credential } = await all.key();
    const asked = all.verifier.verify(all.request(credential), 'caller');
    expect(asked).toBeInstanceOf(Promise);
    await asked;
    all.view.away = true;
    all.authority.away = true;
    expect(all.verifier.verify(all.request(credential), 'caller')).toMatchObject({ outcome: 'VALID' });
  });

  it('is REVOKED from the moment the revocation is enforced, while the view and what is near by say otherwise', async () => {
    const all = await givenVerification();
    const key = await all.key();
    expect((await all.verify(key.credential)).verdict).toBe(Verdict.VALID);
    await revoke(all, key);
    all.authority.away = true;
    expect(await all.verify(key.credential)).toMatchObject({ verdict: Verdict.REVOKED, keyId: 'key-1' });
  });

  it('is TENANT_SUSPENDED from the moment the suspension is enforced, with one question for all keys of the tenant', async () => {
    const all = await givenVerification();
    const keys = [await all.key({ keyId: 'a' }), await all.key({ keyId: 'b' })];
    for (const { credential } of keys) await all.verify(credential);
    all.authority.tenants.set('acme', tenantRecord({ state: 'suspended', version: 2 }));
    await all.fence.commit(tenantChange('acme', 2));
    const asked = all.authority.asked;
    const answers = await Promise.all(keys.map(({ credential }) => all.verify(credential)));
    expect(answers.map(({ verdict }) => verdict)).toEqual([
      Verdict.TENANT_SUSPENDED,
      Verdict.TENANT_SUSPENDED,
    ]);
    expect(all.authority.asked - asked).toBe(1);
  });

  it('never answers from a record that is too old: the authority is read, and the view healed', async () => {
    const all = await givenVerification();
    const { credential, secret } = await all.key({ scopes: ['read', 'write'] });
    await all.verify(credential);
    const narrowed = { ...secret, scopes: ['read'], version: 2 };
    all.authority.knows(narrowed);
    await all.fence.commit(keyChange(secret.keyId, 2));
    const answer = await all.verify(credential, { requiredScopes: ['write'] });
    expect(answer.verdict).toBe(Verdict.INSUFFICIENT_SCOPE);
    await settled();
    expect(await all.view.find([{ kind: 'secret', id: secret.digest }])).toEqual([
      seal.seal('secret', narrowed),
    ]);
  });

  it('is UNAVAILABLE where what is known is too old and the authority is away, or as old', async () => {
    const all = await givenVerification();
    const { credential, secret } = await all.key();
    await all.verify(credential);
    await all.fence.commit(keyChange(secret.keyId, 2));
    await expect(all.verify(credential)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    all.authority.away = true;
    await expect(all.verify(credential)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  it('takes what the view has newer before it asks the authority', async () => {
    const all = await givenVerification();
    const { credential, secret } = await all.key();
    await all.verify(credential);
    const widened = { ...secret, scopes: ['read', 'write', 'delete'], version: 2 };
    await all.view.put({ kind: 'secret', id: secret.digest }, 2, seal.seal('secret', widened));
    await all.fence.commit(keyChange(secret.keyId, 2, { kind: 'HINT' }));
    all.authority.away = true;
    const answer = await all.verify(credential, { requiredScopes: ['delete'] });
    expect(answer.verdict).toBe(Verdict.VALID);
  });

  it('never allows again by an older record what a newer one refused', async () => {
    const all = await givenVerification({ nearCacheRecordsMax: 0 });
    const { credential, secret, tenant } = await all.key();
    all.authority.knows({ ...secret, keyState: 'revoked', version: 2 });
    const fully = { consistency: Consistency.FULLY_CONSISTENT };
    expect((await all.verify(credential, fully)).verdict).toBe(Verdict.REVOKED);
    all.view.clear();
    await all.view.put({ kind: 'secret', id: secret.digest }, 1, seal.seal('secret', secret));
    await all.view.put({ kind: 'tenant', id: tenant.tenantId }, 1, seal.seal('tenant', tenant));
    expect((await all.verify(credential)).verdict).toBe(Verdict.REVOKED);
  });

  it('never allows again by an older record what a newer one refused for its scopes', async () => {
    const all = await givenVerification({ nearCacheRecordsMax: 0 });
    const { credential, secret, tenant } = await all.key();
    all.authority.knows({ ...secret, scopes: ['read'], version: 2 });
    const wanted = { requiredScopes: ['write'] };
    const fully = { ...wanted, consistency: Consistency.FULLY_CONSISTENT };
    expect((await all.verify(credential, fully)).verdict).toBe(Verdict.INSUFFICIENT_SCOPE);
    all.view.clear();
    await all.view.put({ kind: 'secret', id: secret.digest }, 1, seal.seal('secret', secret));
    await all.view.put({ kind: 'tenant', id: tenant.tenantId }, 1, seal.seal('tenant', tenant));
    expect((await all.verify(credential, wanted)).verdict).toBe(Verdict.INSUFFICIENT_SCOPE);
  });

  it('forgets that a secret was unknown when it was imported', async () => {
    const all = await givenVerification();
    const credential = `sk_${'0'.repeat(32)}`;
    expect((await all.verify(credential)).verdict).toBe(Verdict.NOT_FOUND);
    const digest = digestOf(credential);
    all.authority.knows(secretRecord({ digest }));
    expect((await all.verify(credential)).verdict).toBe(Verdict.NOT_FOUND);
    await all.fence.commit({ ...keyChange('', 0), kind: 'HINT', subject: `secret-${digest}` });
    expect((await all.verify(credential)).verdict).toBe(Verdict.VALID);
  });

  it('expires by the time of the authority, whatever is set here', async () => {
    const all = await givenVerification();
    const expiresAtMs = all.authorityTimeMs() + 5000;
    const { credential } = await all.key({ expiresAtMs });
    await all.clocks.turn(4999);
    expect((await all.verify(credential)).verdict).toBe(Verdict.VALID);
    await all.clocks.turn(1);
    expect((await all.verify(credential)).verdict).toBe(Verdict.EXPIRED);
  });

  it('keeps nothing near by where that is turned off, and answers all the same', async () => {
    const all = await givenVerification({ nearCacheRecordsMax: 0 });
    const key = await all.key();
    expect((await all.verify(key.credential)).verdict).toBe(Verdict.VALID);
    const asked = all.verifier.verify(all.request(key.credential), 'caller');
    expect(asked).toBeInstanceOf(Promise);
    await asked;
    await revoke(all, key);
    expect((await all.verify(key.credential)).verdict).toBe(Verdict.REVOKED);
  });
});

describe('without a lease', () => {
  const lapsed = { code: 'FENCE_LEASE_LAPSED', retryAfterSeconds: 1 };

  it('nothing is VALID, nor unknown: only what can be no key is told', async () => {
    const all = await givenVerification();
    const { credential } = await all.key();
    await all.verify(credential);
    all.fence.away = true;
    await all.clocks.turn(freshMs({ leaseMs: 10_000 }));
    await expect(all.verify(credential)).rejects.toMatchObject(lapsed);
    await expect(all.verify(newCredential())).rejects.toMatchObject(lapsed);
    await expect(
      all.verifier.verifyAll([all.request('x'), all.request(credential)], 'caller'),
    ).rejects.toMatchObject(lapsed);
    expect((await all.verify('x')).verdict).toBe(Verdict.MALFORMED);
    expect(all.verification.check).toThrow('no lease');
  });

  it('nothing is answered that was asked for while there was one', async () => {
    const all = await givenVerification();
    const { credential } = await all.key();
    const asked = all.verify(credential);
    all.clocks.suspend(60_000);
    all.fence.away = true;
    await expect(asked).rejects.toMatchObject(lapsed);
  });

  it('answers come again with the next one', async () => {
    const all = await givenVerification();
    const { credential } = await all.key();
    all.fence.away = true;
    await all.clocks.turn(30_000);
    all.fence.away = false;
    await all.clocks.turn(2000);
    expect((await all.verify(credential)).verdict).toBe(Verdict.VALID);
    expect(all.verification.check).not.toThrow();
  });

  it('goes on as long as it was told to, flagged, and says by how much it may be behind', async () => {
    const all = await givenVerification({ onLapse: 'serveStale' });
    const { credential } = await all.key();
    expect((await all.verify(credential)).degraded).toBeUndefined();
    all.fence.away = true;
    await all.clocks.turn(freshMs({ leaseMs: 10_000 }));
    const degraded = { behindMsMax: 30_000 };
    expect(await all.verify(credential)).toMatchObject({ verdict: Verdict.VALID, degraded });
    expect(await all.verify(newCredential())).toMatchObject({ verdict: Verdict.NOT_FOUND, degraded });
    const terms = { leaseMs: 10_000, serveStaleMs: 20_000 };
    await all.clocks.turn(servingMs(terms) - freshMs(terms));
    await expect(all.verify(credential)).rejects.toMatchObject(lapsed);
  });
});

describe('the consistency of a verification', () => {
  const atLeast = (atLeastRevision: string) => ({
    consistency: Consistency.AT_LEAST_AS_FRESH,
    atLeastRevision,
  });

  it('is at least that of another verdict: what one verifier refused, another does not allow', async () => {
    const [one, other] = [await givenVerification(), await givenVerification()];
    const { credential, secret, tenant } = await one.key();
    const digest = secret.digest;
    other.authority.knows(secret, tenant);
    expect((await other.verify(credential)).verdict).toBe(Verdict.VALID);
    const revoked = { ...secret, keyState: 'revoked', version: 2 } as const;
    for (const { authority } of [one, other]) authority.knows(revoked, tenant);
    await one.view.put({ kind: 'secret', id: digest }, 2, seal.seal('secret', revoked));
    const { verdict, revision } = await one.verify(credential);
    expect(verdict).toBe(Verdict.REVOKED);
    expect((await other.verify(credential)).verdict).toBe(Verdict.VALID);
    expect((await other.verify(credential, atLeast(revision))).verdict).toBe(Verdict.REVOKED);
  });

  it('names the tenant where the tenant decided', async () => {
    const all = await givenVerification();
    const { credential } = await all.key({}, { state: 'suspended', version: 3 });
    const { revision } = await all.verify(credential);
    expect(revisions.open(revision)).toMatchObject({ stream: 'tenant-acme', version: 3, head: 0 });
  });

  it('waits for what it is behind of, and is UNAVAILABLE where that does not come', async () => {
    const all = await givenVerification();
    const key = await all.key();
    await all.verify(key.credential);
    all.fence.deaf = true;
    void revoke(all, key);
    const revision = { epoch: 'epoch-1', stream: 'key-key-1', version: 2 };
    const reached = await all.verify(key.credential, atLeast(revisions.seal({ ...revision, head: 1 })));
    expect(reached.verdict).toBe(Verdict.REVOKED);
    const late = all.verify(key.credential, atLeast(revisions.seal({ ...revision, head: 2 })));
    const [refused] = await Promise.allSettled([late, all.clocks.turn(1000)]);
    expect(refused).toMatchObject({ reason: { code: 'UNAVAILABLE', retryAfterSeconds: 1 } });
  });

  it('does not believe that a key is unknown which somebody has the revision of', async () => {
    const all = await givenVerification();
    const credential = newCredential();
    expect((await all.verify(credential)).verdict).toBe(Verdict.NOT_FOUND);
    all.authority.knows(secretRecord({ digest: digestOf(credential) }));
    const revision = revisions.seal({ epoch: 'epoch-1', head: 0, stream: 'key-key-1', version: 1 });
    expect((await all.verify(credential, atLeast(revision))).verdict).toBe(Verdict.VALID);
  });

  it('reads the authority for a revision of another epoch', async () => {
    const all = await givenVerification();
    const { credential, secret } = await all.key();
    await all.verify(credential);
    all.authority.knows({ ...secret, keyState: 'revoked', version: 2 });
    const revision = revisions.seal({ epoch: 'epoch-0', head: 900, stream: 'key-key-1', version: 90 });
    expect((await all.verify(credential, atLeast(revision))).verdict).toBe(Verdict.REVOKED);
  });

  it('is fully that of the authority where it is asked for, never that of an earlier question', async () => {
    const all = await givenVerification();
    const { credential, secret } = await all.key();
    const fully = { consistency: Consistency.FULLY_CONSISTENT };
    const first = all.verify(credential, fully).catch(() => undefined);
    all.authority.knows({ ...secret, keyState: 'revoked', version: 2 });
    const second = all.verify(credential, fully);
    expect((await second).verdict).toBe(Verdict.REVOKED);
    await first;
    all.authority.away = true;
    await expect(all.verify(credential, fully)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  it.each([
    ['a consistency that is not declared', { consistency: Consistency.UNRECOGNIZED }, 'consistency'],
    ['a revision that is not ours', atLeast('bm90IG91cnM'), 'atLeastRevision'],
    ['no revision', atLeast(''), 'atLeastRevision'],
    ['a revision that nothing asks for', { atLeastRevision: 'x' }, 'atLeastRevision'],
  ])('refuses %s, and does nothing else', async (_, changes, field) => {
    const all = await givenVerification();
    const { credential } = await all.key();
    const asked = all.authority.asked;
    expect(() => all.verifier.verify(all.request(credential, changes), 'caller')).toThrow(
      expect.objectContaining({ code: 'INVALID_REQUEST', fields: [expect.objectContaining({ field })] }),
    );
    const batch = all.verifier.verifyAll(
      [all.request(credential), all.request(credential, changes)],
      'caller',
    );
    await expect(batch).rejects.toMatchObject({ fields: [{ field: `requests.1.${field}` }] });
    expect(all.authority.asked).toBe(asked);
  });
});

describe('verifications of many', () => {
  it('stand in their order, each as by itself, near by or not', async () => {
    const all = await givenVerification();
    const [known, stale, unseen] = [
      await all.key({ keyId: 'known' }),
      await all.key({ keyId: 'stale' }),
      await all.key({ keyId: 'unseen' }),
    ];
    for (const { credential } of [known, stale]) await all.verify(credential);
    await revoke(all, stale);
    const requests = [
      all.request(unseen.credential),
      all.request('x'),
      all.request(stale.credential),
      all.request(known.credential, { consistency: Consistency.FULLY_CONSISTENT }),
      all.request(newCredential()),
      all.request(known.credential),
    ];
    const answers = await all.verifier.verifyAll(requests, 'caller');
    expect(answers.map(({ outcome, response }) => `${outcome} ${response.keyId}`)).toEqual([
      'VALID unseen',
      'MALFORMED ',
      'REVOKED stale',
      'VALID known',
      'NOT_FOUND ',
      'VALID known',
    ]);
  });

  it('read again only what is too old', async () => {
    const all = await givenVerification();
    const [one, two] = [await all.key({ keyId: 'one' }), await all.key({ keyId: 'two' })];
    for (const { credential } of [one, two]) await all.verify(credential);
    all.authority.knows({ ...two.secret, scopes: [], version: 2 });
    await all.fence.commit(keyChange('two', 2));
    const asked = all.authority.asked;
    const requests = [one, two].map(({ credential }) =>
      all.request(credential, { requiredScopes: ['read'] }),
    );
    const answers = await all.verifier.verifyAll(requests, 'caller');
    expect(answers.map(({ outcome }) => outcome)).toEqual(['VALID', 'INSUFFICIENT_SCOPE']);
    expect(all.authority.asked - asked).toBe(1);
  });
});
