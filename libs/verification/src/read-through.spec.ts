import { describe, expect, it } from '@jest/globals';
import { Rejection } from '#libs/contracts';
import { eventually } from '#libs/testing/eventually';
import {
  ExampleAuthority,
  forger,
  LosableKeyView,
  seal,
  secretRecord,
  tenantRecord,
} from './record-examples.contract.js';
import { SoundRecords } from './sound-records.js';
import { Breaker } from './breaker.js';
import { FairShare } from './fair-share.js';
import { ReadThrough, type ReadThroughResult } from './read-through.js';
import { RememberedMisses } from './remembered-misses.js';

function given(perSecondMax = 1000) {
  const clock = { nowMs: 0 };
  const heard = { changes: 0 };
  const authority = new ExampleAuthority();
  const view = new LosableKeyView();
  const misses = new RememberedMisses(60_000, 1000);
  const results: ReadThroughResult[] = [];
  const readThrough = new ReadThrough({
    authority,
    view,
    misses,
    sound: new SoundRecords(seal, () => undefined),
    share: new FairShare(perSecondMax),
    breaker: new Breaker(2, 1000),
    changes: () => heard.changes,
    clock: () => clock.nowMs,
    onResult: (result) => results.push(result),
    onFailure: () => undefined,
  });
  return { clock, heard, authority, view, misses, results, readThrough };
}

const nothing = { unsoundSecret: undefined, unsoundTenant: undefined };
const secret = secretRecord({ version: 4 });
const secretAt = { kind: 'secret', id: secret.digest } as const;
const unavailable = new Rejection('UNAVAILABLE', [], 1);

describe('reading through', () => {
  it('finds what key-management knows and puts it into the view', async () => {
    const { authority, readThrough, view } = given();
    authority.knows(secret);
    expect(await readThrough.find(secret.digest, 'api', nothing)).toEqual({
      secret,
      tenant: tenantRecord(),
    });
    await eventually(async () => {
      const found = await view.find([secretAt, { kind: 'tenant', id: 'acme' }]);
      expect(found).toEqual([seal.seal('secret', secret), seal.seal('tenant', tenantRecord())]);
    });
  });

  it('asks once for a digest that many ask for at the same time', async () => {
    const { authority, readThrough } = given();
    authority.knows(secret);
    const asks = Array.from({ length: 50 }, (_, index) => `caller-${index}`);
    const found = await Promise.all(asks.map((caller) => readThrough.find(secret.digest, caller, nothing)));
    expect(found.every((known) => known?.secret.keyId === secret.keyId)).toBe(true);
    expect(authority.asked).toBe(1);
  });

  it('remembers a miss for 60 s', async () => {
    const { authority, clock, readThrough } = given();
    expect(await readThrough.find('d', 'api', nothing)).toBeUndefined();
    clock.nowMs = 59_999;
    expect(await readThrough.find('d', 'api', nothing)).toBeUndefined();
    expect(authority.asked).toBe(1);
    clock.nowMs = 60_000;
    await readThrough.find('d', 'api', nothing);
    expect(authority.asked).toBe(2);
  });

  it('believes no remembered miss after an import', async () => {
    const { authority, misses, readThrough } = given();
    await readThrough.find(secret.digest, 'api', nothing);
    authority.knows(secret);
    expect(await readThrough.find(secret.digest, 'api', nothing)).toBeUndefined();
    misses.forget(secret.digest);
    expect(await readThrough.find(secret.digest, 'api', nothing)).toBeDefined();
  });

  it('does not remember a miss when a change was heard of while it was asked for', async () => {
    const { authority, heard, readThrough } = given();
    const missed = readThrough.find(secret.digest, 'api', nothing);
    heard.changes += 1;
    authority.knows(secret);
    expect(await missed).toBeUndefined();
    expect(await readThrough.find(secret.digest, 'api', nothing)).toBeDefined();
  });

  it('joins no question that was asked before the last change was heard of', async () => {
    const { authority, heard, readThrough } = given();
    authority.knows(secret);
    const before = readThrough.findChanged(secret.digest, 'api');
    const joined = readThrough.findChanged(secret.digest, 'api');
    heard.changes += 1;
    const revoked = { ...secret, keyState: 'revoked', version: 5 } as const;
    authority.knows(revoked);
    const after = readThrough.findChanged(secret.digest, 'api');
    expect(await after).toMatchObject({ secret: revoked });
    await Promise.all([before, joined]);
    expect(authority.asked).toBe(2);
  });

  it('asks now, joining nobody, where the latest is wanted', async () => {
    const { authority, readThrough } = given();
    authority.knows(secret);
    await Promise.all([
      readThrough.find(secret.digest, 'api', nothing),
      readThrough.findNow(secret.digest, 'api'),
      readThrough.findNow(secret.digest, 'api'),
    ]);
    expect(authority.asked).toBe(3);
  });

  it('finds a tenant once for all who ask, as it is after the last change', async () => {
    const { authority, heard, readThrough, view } = given();
    authority.knows(secret);
    const suspended = tenantRecord({ state: 'suspended', version: 2 });
    await Promise.all([readThrough.findTenant('acme', 'api'), readThrough.findTenant('acme', 'api')]);
    expect(authority.asked).toBe(1);
    const before = readThrough.findTenant('acme', 'api');
    authority.tenants.set('acme', suspended);
    heard.changes += 1;
    expect(await readThrough.findTenant('acme', 'api')).toEqual(suspended);
    await before;
    await eventually(async () =>
      expect(await view.find([{ kind: 'tenant', id: 'acme' }])).toEqual([seal.seal('tenant', suspended)]),
    );
  });

  it('is UNAVAILABLE, and no miss, beyond the share of a caller', async () => {
    const { clock, readThrough, results } = given(2);
    await readThrough.find('d1', 'greedy', nothing);
    await readThrough.find('d2', 'greedy', nothing);
    await expect(readThrough.find('d3', 'greedy', nothing)).rejects.toEqual(unavailable);
    clock.nowMs = 1000;
    expect(await readThrough.find('d3', 'greedy', nothing)).toBeUndefined();
    expect(results).toEqual(['not_found', 'not_found', 'over_share', 'not_found']);
  });

  it('is UNAVAILABLE while key-management is away, and soon without asking it', async () => {
    const { authority, clock, readThrough, results } = given();
    authority.knows(secret);
    authority.away = true;
    for (const digest of ['d1', 'd2', 'd3', secret.digest]) {
      await expect(readThrough.find(digest, 'api', nothing)).rejects.toEqual(unavailable);
    }
    expect(results).toEqual(['failed', 'failed', 'broken', 'broken']);
    authority.away = false;
    clock.nowMs = 1000;
    expect(await readThrough.find(secret.digest, 'api', nothing)).toBeDefined();
    expect(await readThrough.find('d1', 'api', nothing)).toBeUndefined();
  });

  it('is UNAVAILABLE when the answer is not sealed with a key known here', async () => {
    const { authority, readThrough, view } = given();
    authority.knows(secret);
    authority.sealing = forger;
    await expect(readThrough.find(secret.digest, 'api', nothing)).rejects.toEqual(unavailable);
    expect(await view.find([secretAt])).toEqual([undefined]);
  });

  it('heals the view of a forged record, however new that claims to be', async () => {
    const { authority, readThrough, view } = given();
    authority.knows(secret);
    const forged = forger.seal('secret', secretRecord({ ...secret, scopes: ['admin'] }));
    await view.put(secretAt, Number.MAX_SAFE_INTEGER, forged);
    const known = await readThrough.find(secret.digest, 'api', { ...nothing, unsoundSecret: forged });
    expect(known?.secret).toEqual(secret);
    await eventually(async () => expect(await view.find([secretAt])).toEqual([seal.seal('secret', secret)]));
  });

  it('never puts an older record over what came by message meanwhile', async () => {
    const { authority, readThrough, view } = given();
    authority.knows(secret);
    const newer = seal.seal('secret', secretRecord({ ...secret, keyState: 'revoked', version: 5 }));
    await view.put(secretAt, 5, newer);
    await readThrough.find(secret.digest, 'api', nothing);
    await eventually(async () =>
      expect(await view.find([{ kind: 'tenant', id: 'acme' }])).not.toEqual([undefined]),
    );
    expect(await view.find([secretAt])).toEqual([newer]);
  });
});
