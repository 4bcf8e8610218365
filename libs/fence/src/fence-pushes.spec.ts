import type { FenceEntry } from './fence-entry.js';
import { FencePushes, type Push } from './fence-pushes.js';

function entry(seq: number): FenceEntry {
  return { seq, kind: 'KEY', subject: `key-${seq}`, floorVersion: 2, terminal: false, profile: 'default' };
}

/** Who is sent what. */
function seqs(pushes: readonly Push[]): Record<string, number[]> {
  return Object.fromEntries(pushes.map(({ watcher, entries }) => [watcher, entries.map(({ seq }) => seq)]));
}

it('pushes what is committed to every watcher', () => {
  const pushes = new FencePushes();
  pushes.watch('a', 0, 0);
  pushes.watch('b', 0, 0);
  expect(seqs(pushes.committed([entry(1), entry(2)], 10))).toEqual({ a: [1, 2], b: [1, 2] });
  expect(seqs(pushes.committed([entry(3)], 11))).toEqual({ a: [3], b: [3] });
  expect(pushes.committed([], 12)).toEqual([]);
});

it('tells a new watcher what it has missed of the recent entries', () => {
  const pushes = new FencePushes();
  pushes.committed([entry(1)], 0);
  pushes.committed([entry(2), entry(3)], 0);
  pushes.committed([], 0);
  expect(seqs(pushes.watch('a', 1, 1))).toEqual({ a: [2, 3] });
  expect(seqs(pushes.watch('b', 3, 1))).toEqual({});
});

it('sends again what is not acknowledged, after 50 ms, then after twice as long each time up to a second', () => {
  const pushes = new FencePushes();
  pushes.watch('a', 0, 0);
  pushes.committed([entry(1)], 0);
  const sentAt = [];
  for (let nowMs = 0; nowMs <= 5000; nowMs += 10) if (pushes.resend(nowMs).length > 0) sentAt.push(nowMs);
  expect(sentAt).toEqual([50, 150, 350, 750, 1550, 2550, 3550, 4550]);
});

it('sends again all that is not acknowledged, and soon again once something was', () => {
  const pushes = new FencePushes();
  pushes.watch('a', 0, 0);
  pushes.committed([entry(1), entry(2), entry(3)], 0);
  pushes.resend(50);
  pushes.acknowledged('a', 1);
  expect(seqs(pushes.resend(99))).toEqual({});
  expect(seqs(pushes.resend(100))).toEqual({ a: [2, 3] });
  expect(pushes.hasUnacknowledged).toBe(true);
  pushes.acknowledged('a', 3);
  expect(pushes.hasUnacknowledged).toBe(false);
  expect(pushes.resend(10_000)).toEqual([]);
});

it('is not set back by an acknowledgement that comes late or of nobody', () => {
  const pushes = new FencePushes();
  pushes.watch('a', 0, 0);
  pushes.committed([entry(1), entry(2)], 0);
  pushes.acknowledged('a', 2);
  pushes.acknowledged('a', 1);
  pushes.acknowledged('nobody', 1);
  expect(pushes.resend(1000)).toEqual([]);
  expect(pushes.watcherCount).toBe(1);
});

it('does not push what a watcher has acknowledged by another way', () => {
  const pushes = new FencePushes();
  pushes.watch('a', 0, 0);
  pushes.acknowledged('a', 2);
  expect(seqs(pushes.committed([entry(2), entry(3)], 0))).toEqual({ a: [3] });
});

it('pushes entries without gaps among themselves, whatever it missed', () => {
  const pushes = new FencePushes();
  pushes.watch('a', 0, 0);
  pushes.committed([entry(1)], 0);
  expect(seqs(pushes.committed([entry(4), entry(5)], 0))).toEqual({ a: [4, 5] });
  expect(seqs(pushes.resend(100))).toEqual({ a: [4, 5] });
});

it('keeps the latest thousand entries, and leaves who is further behind to its next renewal', () => {
  const pushes = new FencePushes();
  for (let seq = 1; seq <= 1500; seq += 1) pushes.committed([entry(seq)], 0);
  const [push] = pushes.watch('a', 0, 0);
  expect(push?.entries.map(({ seq }) => seq)).toEqual(Array.from({ length: 1000 }, (_, n) => 501 + n));
});

it('pushes nothing to who watches no more', () => {
  const pushes = new FencePushes();
  pushes.watch('a', 0, 0);
  pushes.committed([entry(1)], 0);
  pushes.unwatch('a');
  expect([pushes.committed([entry(2)], 0), pushes.resend(1000)]).toEqual([[], []]);
  expect([pushes.watcherCount, pushes.hasUnacknowledged]).toEqual([0, false]);
});
