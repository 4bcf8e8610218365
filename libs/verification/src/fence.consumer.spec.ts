import { describe, expect, it } from '@jest/globals';
import { FenceVerifier, freshMs, servingMs } from '#libs/fence';
import {
  ExampleFence,
  ExampleFenceChannel,
  keyChange,
  settled,
  TurnedClocks,
} from './fence-examples.contract.js';
import { FenceConsumer } from './fence.consumer.js';

const key = { id: 'k', version: 1 };
const tenant = { id: 'acme', version: 1 };

async function given({ serveStaleMs = 0, away = false } = {}) {
  const clocks = new TurnedClocks();
  const authority = new ExampleFence(clocks);
  authority.away = away;
  const fence = new FenceVerifier(serveStaleMs, { evict: () => undefined, clear: () => undefined });
  const told: string[] = [];
  const channel = new ExampleFenceChannel(authority);
  let incarnations = 0;
  const consumer = new FenceConsumer({
    channel,
    fence,
    clocks,
    verifierId: 'v1',
    profiles: ['default'],
    serveStaleMs,
    newIncarnation: () => `incarnation-${(incarnations += 1)}`,
    watch: {
      onAway: () => told.push('away'),
      onLeased: () => told.push('leased'),
      onIncompatible: () => told.push('incompatible'),
      onSuspended: () => told.push('suspended'),
    },
  });
  const standing = () => fence.standing(key, tenant, consumer.nowMs());
  consumer.start();
  await settled();
  return { clocks, authority, channel, consumer, fence, told, standing };
}

describe('a verifier at the fence', () => {
  it('is registered and has a lease as soon as the authority answers', async () => {
    const { authority, standing, told } = await given();
    expect(authority.registered).toEqual([{ verifierId: 'v1', incarnation: 'incarnation-1' }]);
    expect(standing()).toBe('current');
    expect(told).toEqual(['leased']);
  });

  it('keeps its lease by renewing it four times in its length', async () => {
    const { authority, clocks, standing } = await given();
    const before = authority.renewals;
    await clocks.turn(60_000);
    expect(standing()).toBe('current');
    expect(authority.renewals - before).toBe(24);
  });

  it('enforces a restriction by a push, without waiting for its next renewal', async () => {
    const { authority, standing } = await given();
    const enforced = authority.commit(keyChange('k', 2, { terminal: true }));
    await settled();
    expect(standing()).toBe('revoked');
    expect(await enforced).toMatchObject({ via: 'acks', verifiers: { acked: 1, expired: 0 } });
  });

  it('renews at once where a push is missing, and acknowledges what the renewal brought', async () => {
    const { authority, standing } = await given();
    authority.deaf = true;
    const lost = authority.commit(keyChange('k', 2, { terminal: true }));
    await settled();
    expect(standing()).toBe('current');
    authority.deaf = false;
    void authority.commit(keyChange('other', 2));
    await settled();
    expect(standing()).toBe('revoked');
    expect(await lost).toMatchObject({ via: 'acks' });
  });

  it('learns by its next renewal what no push told it', async () => {
    const { authority, clocks, standing } = await given();
    authority.deaf = true;
    const enforced = authority.commit(keyChange('k', 2, { terminal: true }));
    await clocks.turn(2500);
    expect(standing()).toBe('revoked');
    expect(await enforced).toMatchObject({ via: 'acks' });
  });

  it('takes all of a log that is longer than one grant before it has a lease', async () => {
    const { authority, clocks, fence, standing } = await given({ away: true });
    for (let i = 0; i < 12_000; i += 1) authority.log.push({ ...keyChange(`key-${i}`, 2), seq: i + 1 });
    authority.log.push({ ...keyChange('k', 2, { terminal: true }), seq: 12_001 });
    authority.away = false;
    await clocks.turn(2000);
    expect(fence.applied).toBe(12_001);
    expect(standing()).toBe('revoked');
    expect(authority.renewals).toBe(3);
  });

  it('lapses when the authority is away longer than its lease, and is back soon after it', async () => {
    const { authority, clocks, standing, told } = await given();
    authority.away = true;
    await clocks.turn(freshMs({ leaseMs: 10_000 }) - 1);
    expect(standing()).toBe('current');
    await clocks.turn(1);
    expect(standing()).toBe('lapsed');
    await clocks.turn(60_000);
    authority.away = false;
    await clocks.turn(2000);
    expect(standing()).toBe('current');
    expect(told).toEqual(['leased', 'away', 'leased']);
    expect(authority.registered).toHaveLength(1);
  });

  it('answers on, flagged, for as long past its lease as it has declared', async () => {
    const { authority, clocks, consumer, standing } = await given({ serveStaleMs: 30_000 });
    expect(authority.rows).toMatchObject([{ serveStaleMs: 30_000 }]);
    authority.away = true;
    await clocks.turn(freshMs({ leaseMs: 10_000 }));
    expect(standing()).toBe('degraded');
    expect(consumer.staleMsMax).toBe(40_000);
    const left = servingMs({ leaseMs: 10_000, serveStaleMs: 30_000 }) - freshMs({ leaseMs: 10_000 });
    await clocks.turn(left);
    expect(standing()).toBe('lapsed');
  });

  it('waits for an authority that is away when it starts', async () => {
    const { authority, clocks, standing, told } = await given({ away: true });
    await clocks.turn(30_000);
    expect(standing()).toBe('lapsed');
    authority.away = false;
    await clocks.turn(2000);
    expect(standing()).toBe('current');
    expect(told).toEqual(['away', 'leased']);
  });

  it('becomes a new incarnation when the authority has given it up', async () => {
    const { authority, clocks, standing } = await given();
    authority.giveUpAll();
    await clocks.turn(3000);
    expect(standing()).toBe('current');
    expect(authority.registered.map(({ incarnation }) => incarnation)).toEqual([
      'incarnation-1',
      'incarnation-2',
    ]);
  });

  it('becomes a new incarnation in another epoch, and forgets what it had applied', async () => {
    const { authority, clocks, fence, standing } = await given();
    void authority.commit(keyChange('k', 2, { terminal: true }));
    await settled();
    expect(standing()).toBe('revoked');
    authority.restore('epoch-2', []);
    await clocks.turn(3000);
    expect(fence.registeredEpoch).toBe('epoch-2');
    expect(standing()).toBe('current');
  });

  it('has its pushes back soon after their stream ended', async () => {
    const { authority, clocks, standing } = await given();
    authority.endStreams();
    await clocks.turn(300);
    void authority.commit(keyChange('k', 2, { terminal: true }));
    await settled();
    expect(standing()).toBe('revoked');
  });

  it('gives up its lease when the machine was suspended, however short its monotonic clock went on', async () => {
    const { authority, clocks, standing, told } = await given();
    authority.away = true;
    clocks.suspend(5000);
    expect(standing()).toBe('lapsed');
    expect(told).toEqual(['leased', 'suspended']);
    authority.away = false;
    await clocks.turn(2000);
    expect(standing()).toBe('current');
  });

  it('notices within a second that it was suspended, also without a decision', async () => {
    const { authority, clocks, told } = await given();
    authority.away = true;
    clocks.boot += 5000;
    await clocks.turn(1000);
    expect(told).toContain('suspended');
  });

  it('takes no lease from an answer that was asked for before it was suspended', async () => {
    const clocks = new TurnedClocks();
    const authority = new ExampleFence(clocks);
    const fence = new FenceVerifier(0, { evict: () => undefined, clear: () => undefined });
    const held: (() => void)[] = [];
    let hold = false;
    const channel = new ExampleFenceChannel(authority, async (name, answer) => {
      const answered = answer();
      if (hold && name === 'renew') await new Promise<void>((resolve) => held.push(resolve));
      return answered;
    });
    const quiet = () => undefined;
    const consumer = new FenceConsumer({
      channel,
      fence,
      clocks,
      verifierId: 'v1',
      profiles: ['default'],
      serveStaleMs: 0,
      newIncarnation: () => 'incarnation-1',
      watch: { onAway: quiet, onLeased: quiet, onIncompatible: quiet, onSuspended: quiet },
    });
    hold = true;
    consumer.start();
    await settled();
    clocks.suspend(60_000);
    held.shift()?.();
    await settled();
    expect(fence.standing(key, tenant, consumer.nowMs())).toBe('lapsed');
    hold = false;
    held.shift()?.();
    await settled();
    expect(fence.standing(key, tenant, consumer.nowMs())).toBe('current');
  });

  it('never answers where the authority speaks another version, and lets nobody wait for it', async () => {
    const { authority, clocks, standing, told } = await given({ away: true });
    authority.protocolVersion = 2;
    authority.away = false;
    await clocks.turn(2000);
    expect(standing()).toBe('lapsed');
    expect(authority.rows).toEqual([]);
    expect(told).toEqual(['away', 'incompatible']);
  });

  it('never answers once it met a kind of entry that it does not know', async () => {
    const { authority, clocks, standing, told } = await given();
    void authority.commit(keyChange('k', 2, { kind: 'OTHER' as never }));
    await clocks.turn(2500);
    expect(standing()).toBe('lapsed');
    expect(authority.rows).toEqual([]);
    expect(told).toEqual(['leased', 'incompatible']);
  });

  it('reaches a revision that it is behind at once, and says when it can not', async () => {
    const { authority, clocks, consumer } = await given();
    authority.deaf = true;
    void authority.commit(keyChange('k', 2));
    expect(await consumer.reach(1)).toBe(true);
    const tooFar = consumer.reach(2);
    await clocks.turn(1000);
    expect(await tooFar).toBe(false);
  });

  it('tells how it stands', async () => {
    const { authority, clocks, consumer } = await given();
    void authority.commit(keyChange('k', 2));
    await settled();
    await clocks.turn(1000);
    expect(consumer.status).toEqual({
      applied: 1,
      lag: 0,
      leaseLeftMs: servingMs({ leaseMs: 10_000, serveStaleMs: 0 }) - 1000,
      registrations: 1,
      suspensions: 0,
    });
  });

  it('answers nothing once it is closed, and nobody waits for it any more', async () => {
    const { authority, consumer, standing } = await given();
    await consumer.close();
    expect(standing()).toBe('lapsed');
    expect(await authority.commit(keyChange('k', 2))).toMatchObject({ verifiers: { acked: 0, expired: 0 } });
  });
});
