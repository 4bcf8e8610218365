import { describe, expect, it } from '@jest/globals';
import { AppendGroups } from './append-groups.js';
import type { Append, AppendOutcome } from './event-store.js';

function append(streamId: string, more: Partial<Append<null>> = {}): Append<null> {
  const metadata = {
    actor: { type: 't', id: 'i' },
    sourceAddress: null,
    reason: null,
    requestId: null,
    traceId: null,
  };
  const events = [{ type: 'Happened', schemaVersion: 1, data: {} }];
  return { streamId, tenantId: 't', expectedVersion: 0, events, metadata, projected: null, ...more };
}

const wish = (key: string) => ({ scope: 's', key, requestHash: 'h', outcome: {} });
const appended: AppendOutcome = { status: 'appended', version: 1 };
const refused: AppendOutcome = { status: 'refused', code: 'FULL' };
const conflict: AppendOutcome = { status: 'conflict' };

/** Groups whose attempts are answered by `outcomeOf`, and the streams of every attempt there was. */
function groups(outcomeOf: (streamId: string, group: readonly string[]) => AppendOutcome, away = false) {
  const attempts: string[][] = [];
  const attempt = async (appends: readonly Append<null>[]) => {
    const streams = appends.map(({ streamId }) => streamId);
    attempts.push(streams);
    return streams.map((streamId) => outcomeOf(streamId, streams));
  };
  return { attempts, added: new AppendGroups<null>(attempt, () => away) };
}

describe('grouped appends', () => {
  it('stores what came in one turn in one group, and what came while that was being stored in the next', async () => {
    const later: Promise<AppendOutcome>[] = [];
    const { attempts, added } = groups((streamId) => {
      if (streamId === 'a') later.push(added.add(append('c')), added.add(append('d')));
      return appended;
    });
    await Promise.all(['a', 'b'].map((streamId) => added.add(append(streamId))));
    await Promise.all(later);
    expect(attempts).toEqual([
      ['a', 'b'],
      ['c', 'd'],
    ]);
  });

  it('never puts two appends of one stream or of one wish in a group, and keeps their order', async () => {
    const { attempts, added } = groups(() => appended);
    await Promise.all([
      added.add(append('a')),
      added.add(append('a', { expectedVersion: 1 })),
      added.add(append('b', { idempotency: wish('k') })),
      added.add(append('c', { idempotency: wish('k') })),
      added.add(append('c', { expectedVersion: 1 })),
    ]);
    expect(attempts).toEqual([['a', 'b'], ['a', 'c'], ['c']]);
  });

  it('settles at once what an append to the same stream has overtaken', async () => {
    const { attempts, added } = groups(() => appended);
    const outcomes = await Promise.all([
      ...Array.from({ length: 9 }, () => added.add(append('a'))),
      added.add(append('a', { expectedVersion: 1 })),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual([
      'appended',
      ...Array.from({ length: 8 }, () => 'conflict'),
      'appended',
    ]);
    expect(attempts).toEqual([['a'], ['a']]);
  });

  it('limits a group to 256 appends', async () => {
    const { attempts, added } = groups(() => appended);
    await Promise.all(Array.from({ length: 600 }, (_, i) => added.add(append(`stream ${i}`))));
    expect(attempts.map((streams) => streams.length)).toEqual([256, 256, 88]);
  });

  it('stores the others when one conflicts', async () => {
    const { attempts, added } = groups((streamId) => (streamId === 'b' ? conflict : appended));
    const outcomes = await Promise.all(['a', 'b', 'c'].map((streamId) => added.add(append(streamId))));
    expect(outcomes).toEqual([appended, conflict, appended]);
    expect(attempts).toEqual([
      ['a', 'b', 'c'],
      ['a', 'c'],
    ]);
  });

  it('takes back a refusal that was due to an append which is not stored in the end', async () => {
    // One place: `a` has it as long as it is in the group, and then turns out to conflict.
    const { added } = groups((streamId, group) => {
      if (streamId === 'b') return group.includes('a') ? refused : appended;
      return streamId === 'a' && !group.includes('b') ? conflict : appended;
    });
    const outcomes = await Promise.all(['a', 'b'].map((streamId) => added.add(append(streamId))));
    expect(outcomes).toEqual([conflict, appended]);
  });

  it('lets a refusal stand that the others do not explain', async () => {
    const { attempts, added } = groups((streamId) => (streamId.startsWith('full') ? refused : appended));
    const streams = ['full 1', 'a', 'full 2'];
    const outcomes = await Promise.all(streams.map((streamId) => added.add(append(streamId))));
    expect(outcomes).toEqual([refused, appended, refused]);
    expect(attempts).toEqual([['full 1', 'a', 'full 2'], ['a'], ['full 1', 'full 2']]);
  });

  it('fails only the append that the store cannot take', async () => {
    const { added } = groups((_, group) => {
      if (group.includes('b')) throw new Error('cannot take it');
      return appended;
    });
    const streams = ['a', 'b', 'c'];
    const results = await Promise.allSettled(streams.map((streamId) => added.add(append(streamId))));
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });

  it('fails the whole group at once when the store is away, and takes the next', async () => {
    let away = true;
    const { attempts, added } = groups(() => {
      if (away) throw new Error('away');
      return appended;
    }, true);
    const streams = ['a', 'b'];
    const results = await Promise.allSettled(streams.map((streamId) => added.add(append(streamId))));
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(attempts).toEqual([['a', 'b']]);
    away = false;
    await expect(added.add(append('later'))).resolves.toEqual(appended);
  });
});
